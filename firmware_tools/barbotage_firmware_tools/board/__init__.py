"""The whole probe pod without hardware: an emulated RP2040 with simulated sensors, pedal, LED ring and USB line."""
