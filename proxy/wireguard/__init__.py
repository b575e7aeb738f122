"""The tunnel (WireGuard): devices as its peers, what each is told, and what carries it.

`backend.py` is the port that both backends stand on; nothing outside this folder knows which one is at work.
"""
