"""A simulated operator places the needle again and again, told this or that: which guidance helps, which harms. Ranks designs, proves nothing clinical."""
