"""The shipped model and its card."""
