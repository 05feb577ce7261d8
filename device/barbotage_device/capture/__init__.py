"""Where frames come from; all sources end in the same Frame."""
