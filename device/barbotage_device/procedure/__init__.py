"""The procedure's measurements: lavage cycles, size before and after. Pure: no I/O, no clock, no thread."""
