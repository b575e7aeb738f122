"""The supervisor: starts the processes of a gateway, keeps them running, and owns what they share."""
