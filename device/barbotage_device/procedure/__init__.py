"""The procedure's states, checklist, proposals and prompts: pure, without input, clock or thread."""
