"""From simulated scenes and real backgrounds to trained weights; never imported by device or host."""
