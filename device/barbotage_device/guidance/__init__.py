"""How the needle stands to the target, and what to say about it."""
