"""The console: pages for people. Server-rendered, live by server-sent events, no build step, nothing from outside."""
