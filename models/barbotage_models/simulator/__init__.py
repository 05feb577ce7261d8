"""A moving shoulder under a simulated linear probe: B-mode frames with exact labels."""
