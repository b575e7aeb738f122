"""The kernel's firewall (nftables, Linux): rules that route devices' traffic into the gateway, written whole or not."""
