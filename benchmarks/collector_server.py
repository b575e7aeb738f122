"""A collector in a process of its own: `python -m benchmarks.collector_server DATABASE FILE` (its address)."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from benchmarks.collector_load import ADMIN, GATEWAY, READ
from collector.service import CollectorService
from collector.settings import CollectorSettings


async def main(database: str, file: Path) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    async with CollectorService(CollectorSettings(database, GATEWAY, READ, ADMIN, port=0)) as service:
        draft = file.with_suffix(".draft")
        draft.write_text(service.url)
        draft.replace(file)
        await stopping.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
