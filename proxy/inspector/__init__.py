"""mitmproxy, embedded: the process that decrypts where it is welcome and shows pages where something is stopped."""
