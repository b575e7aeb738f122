"""Our loop with the task factory that mitmproxy sets."""

from __future__ import annotations

import asyncio

from proxy.event_loop import Loop


async def _how() -> list[str]:
    order: list[str] = []

    async def work() -> None:
        order.append("begun")
        await asyncio.sleep(0)
        order.append("ended")

    loop = asyncio.get_running_loop()
    for factory in (asyncio.eager_task_factory, None):
        loop.set_task_factory(factory)
        task = asyncio.create_task(work(), name="named")
        order.append(task.get_name())
        await task
    return order


def test_a_task_begins_at_once_under_the_eager_factory_and_later_without_it() -> None:
    with asyncio.Runner(loop_factory=Loop) as runner:
        assert runner.run(_how()) == ["begun", "named", "ended", "named", "begun", "ended"]
