"""Every configured output is shown with how its deliveries go, whether anything was delivered yet or not."""

from __future__ import annotations

from collector.console.system_pages import output_views
from collector.outputs.settings import Format, OutputSettings, Send
from collector.store.people_tables import OUTPUTS
from tests.collector.conftest import NOW

HOOK = OutputSettings(
    name="hook", url="https://user:pass@hooks.example/x?key=1", format=Format.JSON, send=(Send.ALERTS,)
)


async def test_nothing_is_configured(database):
    assert await output_views(database, ()) == []


async def test_an_output_before_and_after_its_first_delivery(database):
    (before,) = await output_views(database, (HOOK,))
    assert (before.name, before.place, before.delivered) == ("hook", "hooks.example/x", 0)
    row = {"name": "hook", "position": {}, "delivered": 5, "failed": 2, "skipped": 1, "last_error": "502"}
    async with database.write() as connection:
        await connection.execute(OUTPUTS.insert().values(**row, last_success=NOW, last_failure=NOW))
    (after,) = await output_views(database, (HOOK,))
    assert (after.delivered, after.failed, after.skipped) == (5, 2, 1)
    assert (after.last_error, after.last_success) == ("502", NOW)
