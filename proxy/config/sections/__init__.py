"""The sections of `config.yaml`, one file each: every key, its default, its bounds and one sentence on what it does."""
