"""The loop that ties capture, perception, guidance and screen together."""
