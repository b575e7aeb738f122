"""Benchmarks that run Seawall and a peer side by side in one run: `python -m benchmarks --help`.

A file a benchmark; `harness.py` holds how values are taken and compared. No result is written down in the code.
"""
