"""The review page: a local server and what it serves."""
