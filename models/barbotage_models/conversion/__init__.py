"""From trained weights to the TFLite files that the device runs."""
