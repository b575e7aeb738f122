"""What is in a file, and whether it is malware. Everything here runs in a scan process, on bytes that may be hostile.

No file here knows of mitmproxy, and none decides what is done: `scan.py` reports findings, policy is applied outside.
Play and App Store installs, pinned and spliced traffic never come by here.
"""
