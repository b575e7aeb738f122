"""A collector in a process of its own, for tests that kill it: `serve.py DATABASE PORT` prints its address."""

from __future__ import annotations

import asyncio
import sys

from collector.service import CollectorService
from collector.settings import CollectorSettings


async def main(database: str, port: int) -> None:
    settings = CollectorSettings(database, "gateway-token-0123", "reading-token-0123", "administrators-0123", port=port)
    async with CollectorService(settings) as service:
        print(service.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
