from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mitmproxy import options
from mitmproxy.exceptions import AddonHalt, OptionsError
from mitmproxy.master import Master
from mitmproxy.proxy.server_hooks import ClientConnectedHook

from proxy.inspector.hooks import Hooks


class Told:
    def __init__(self, name: str, said: list[Any], raises: Exception | None = None) -> None:
        self.name = name
        self.said = said
        self.raises = raises

    def client_connected(self, client: Any) -> None:
        self.said.append((self.name, client))
        if self.raises:
            raise self.raises


class Waits(Told):
    async def client_connected(self, client: Any) -> None:
        await asyncio.sleep(0)
        super().client_connected(client)


class Silent:
    client_connected = "no handler"


async def said_by(*addons: Told) -> list[str]:
    """Have a hook called and what remains awaited, and return who was told."""
    master = Master(options.Options())
    hooks = Hooks(master.addons)
    master.addons.add(Silent(), *addons)
    hook = ClientConnectedHook("a client")  # type: ignore[arg-type]
    handlers = hooks.of(hook)
    assert hooks.of(hook) is handlers
    rest = hooks.begin(hook)
    assert (rest is not None) is any(isinstance(addon, Waits) for addon in addons)
    if rest is not None:
        await rest
    assert all(client == "a client" for addon in addons for _, client in addon.said)
    return [name for name, _ in addons[0].said]


@pytest.mark.parametrize("kind", [Told, Waits])
async def test_all_are_called_in_order_whatever_one_of_them_does(kind: type[Told]) -> None:
    said: list[Any] = []
    assert await said_by(kind("one", said, ValueError("broken")), Told("two", said)) == ["one", "two"]


@pytest.mark.parametrize("problem", [None, ValueError("broken")])
async def test_those_before_one_that_waits_are_called_at_once(problem: Exception | None) -> None:
    said: list[Any] = []
    master = Master(options.Options())
    hooks = Hooks(master.addons)
    master.addons.add(Told("one", said), Waits("two", said, problem), Told("three", said), Waits("four", said))
    rest = hooks.begin(ClientConnectedHook("a client"))  # type: ignore[arg-type]
    assert [name for name, _ in said] == ["one"]
    assert rest is not None
    await rest
    assert [name for name, _ in said] == ["one", "two", "three", "four"]


@pytest.mark.parametrize("kind", [Told, Waits])
async def test_one_that_halts_is_the_last(kind: type[Told]) -> None:
    said: list[Any] = []
    assert await said_by(kind("one", said, AddonHalt()), Told("two", said)) == ["one"]


@pytest.mark.parametrize("kind", [Told, Waits])
async def test_an_error_in_options_is_told(kind: type[Told]) -> None:
    said: list[Any] = []
    with pytest.raises(OptionsError):
        await said_by(kind("one", said, OptionsError("no such option")), Told("two", said))


async def test_addons_that_come_later_are_called_too() -> None:
    master = Master(options.Options())
    hooks, hook, said = Hooks(master.addons), ClientConnectedHook("a client"), []  # type: ignore[arg-type, var-annotated]
    assert hooks.begin(hook) is None
    master.addons.add(Told("late", said))
    assert hooks.begin(hook) is None
    assert said == [("late", "a client")]
