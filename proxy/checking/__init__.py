"""The verdict on domains, URLs, addresses and hashes without any traffic: what `seawall check` does."""
