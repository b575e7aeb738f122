"""What programs ask of the collector: deliveries, alerts, machines, health. Pages for people are in `console`."""
