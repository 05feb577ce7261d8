"""The procedure: its states, checklist, proposals and prompts; lavage cycles, size before and after. Pure: no I/O, no clock, no thread."""
