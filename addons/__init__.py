"""mitmproxy addons: turn hooks into observations, ask for the verdict, enforce it.

One concern, one file. What an addon needs (policy, reporter, resolver) is injected; nothing here reads the
configuration, starts a process or keeps a verdict to itself. May import `indicators`, never `proxy` or `collector`.
"""
