"""The bedside computer: frame in, guidance out."""
