"""The probe pod as the device sees it: pedal, buttons, tilt and lavage pressure in, ring and buzzer out."""
