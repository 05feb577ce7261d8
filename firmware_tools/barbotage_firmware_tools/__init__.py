"""The probe pod from a PC: build, flash, provision, monitor, emulate."""
