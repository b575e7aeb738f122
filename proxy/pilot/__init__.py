"""The pilot test: tries the running gateway as a device would, and asks the collector whether it was noticed."""
