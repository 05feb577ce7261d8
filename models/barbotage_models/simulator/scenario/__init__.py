"""A simulated probe in somebody's hands: scenes that move by themselves, scripted hands, and an operator who follows guidance."""
