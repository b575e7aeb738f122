"""The bypass radar: signs that a device's traffic goes around us, counted beside and told the collector."""
