"""The gateway's end of the collector's policy stream: asked for, kept, put in force. The collector's end is its API."""
