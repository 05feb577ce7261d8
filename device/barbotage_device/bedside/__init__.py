"""What the operator sees: overlay, screen, texts."""
