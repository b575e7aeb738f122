"""What is known to be unsafe, and the verdict on one observation.

Pure: this room parses text and maps buffers it is given. It opens no socket, watches no file, starts no process and
reads no clock of its own; `now` is always an argument. It imports no other room.
"""
