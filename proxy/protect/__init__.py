"""This computer's own traffic, routed through the gateway (Linux): rules, a keeper that minds a crash, and a probe."""
