"""The block page's listeners, as the configuration asks for them. The front serves them by `arriving.py`."""

from __future__ import annotations

from proxy.config.model import Config
from proxy.front.front import Entry, bound
from proxy.pages.arriving import HTTP, HTTPS


def page_entries(config: Config) -> list[Entry]:
    """Return both listeners at each address of the page, bound; none without `dns.page_address`.

    Raises OSError naming the key, with nothing left open.
    """
    made: list[Entry] = []
    try:
        for host in page_hosts(config):
            for listener, port in ((HTTP, config.pages.http_port), (HTTPS, config.pages.https_port)):
                name = listener if listener not in {entry.name for entry in made} else f"{listener}_{host}"
                made.append(Entry(name, listener, bound(host, port)))
    except OSError as problem:
        for entry in made:
            entry.sock.close()
        raise OSError(problem.errno, f"pages: {problem.strerror}; see `pages` in config.yaml") from None
    return made


def page_hosts(config: Config) -> tuple[str, ...]:
    """Return the addresses that the block page listens on."""
    if not config.dns.page_address:
        return ()
    return (str(config.pages.host),) if config.pages.host else tuple(map(str, config.dns.page_address))
