"""Published lists of indicators, parsed: one file for each format, all told in `formats.py`. Nothing is fetched."""
