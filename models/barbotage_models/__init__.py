"""The network, and everything that defines or produces it."""
