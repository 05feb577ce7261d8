# Nothing happens before main.py: a pod must come up whatever is on its file system.
