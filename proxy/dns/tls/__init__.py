"""DNS over TLS (RFC 7858) and over HTTPS (RFC 8484): a process of its own that hands each query to the resolver.

TLS and HTTP/2 cost a hundred times what an answer does, so they may not share the resolver's loop. Nothing is judged,
cached or reported as a verdict here; who asks is found out here, and goes with the query.
"""
