"""Setting up a source at the screen: language, region and scale, into the configuration."""
