"""What stands between a request and the collector: who may ask, from where, how much, and what answers carry."""
