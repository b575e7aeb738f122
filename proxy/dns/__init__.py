"""The DNS interceptor: answers names for clients and for the rest of the gateway, judging each first."""
