"""The systemd service: a unit file that gives the gateway what it needs and nothing else."""
