"""A process that delivers what lies in a folder of spools to a collector: `delivering_child.py FOLDER URL TOKEN`."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from proxy.reporting.collector_client import CollectorClient
from proxy.reporting.delivery import Delivery


async def main(folder: str, url: str, token: str) -> None:
    delivery = Delivery(Path(folder), CollectorClient(url, token), lambda: datetime.now(UTC))
    print("delivering", flush=True)
    await delivery.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
