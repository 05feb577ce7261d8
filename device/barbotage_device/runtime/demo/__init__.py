"""The command ``demo``: a complete guided procedure on the simulated probe, with a simulated operator who sees only the screen."""
