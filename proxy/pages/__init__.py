"""The block page's own address: where clients arrive that DNS sent there, over HTTP and HTTPS."""
