"""What leaves the collector by itself: webhooks, syslog and CSV. Nothing here may make a delivery of events wait."""
