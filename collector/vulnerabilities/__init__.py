"""Which operating system releases are vulnerable, and how exposed a device is. Pure: data, version and day are given.

What a gateway can know is the release, and that only as far as clients say it; apps, configuration and what is
installed are never seen here, and nothing here pretends otherwise.
"""
