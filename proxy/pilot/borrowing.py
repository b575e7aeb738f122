"""Become a device for one pilot run: enrol it where it is not known, else borrow credentials; undo either at the end.

A device's own credentials are hashes here, and stay in force: the gateway lends a second set for some minutes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from proxy.control import ControlClient, ControlError
from proxy.enrolment.tunnel import tunnel_of
from proxy.pilot.clients import AsDevice, PilotError
from proxy.profiles.wireguard import TunnelProfile


@asynccontextmanager
async def borrowed(control_socket: Path, name: str, *, tunnel: bool = False) -> AsyncIterator[AsDevice]:
    """Be the device with this name or id inside, with its tunnel where that is wanted.

    Raises PilotError where no gateway answers, or it refuses.
    """
    client = ControlClient(control_socket)
    try:
        known = await _called(client, name)
        answer = (
            await _ask(client, "device_lend", device=name) if known else await _ask(client, "device_add", name=name)
        )
        device = _device(answer)
        try:
            yield replace(device, tunnel=await _tunnel(client, device, answer)) if tunnel else device
        finally:
            with suppress(PilotError):  # what was lent ends by itself; a run is not failed by its end
                await _ask(client, "device_take_back" if known else "device_revoke", device=device.id)
    finally:
        await client.close()


async def _called(client: ControlClient, name: str) -> bool:
    listed = (await _ask(client, "devices"))["devices"]
    return any(name == one["id"] or name.casefold() == one["name"].casefold() for one in listed)


async def _tunnel(client: ControlClient, device: AsDevice, answer: dict[str, Any]) -> TunnelProfile:
    """Return the tunnel of a device that was just enrolled, or of one whose key was kept here."""
    found = tunnel_of(
        answer["tunnel"] if "tunnel" in answer else (await _ask(client, "device_tunnel", device=device.id))["tunnel"]
    )
    if found is None:
        raise PilotError(f"{device.name} alone has the key of its tunnel: run as a device of another name")
    return found


async def _ask(client: ControlClient, op: str, **fields: str) -> dict[str, Any]:
    try:
        return await client.call(op, **fields)
    except (ControlError, OSError) as error:
        raise PilotError(f"{op}: {error}") from None


def _device(answer: dict[str, Any]) -> AsDevice:
    device, given = answer["device"], answer["given"]
    return AsDevice(device["id"], device["name"], given["token"], given["user"], given["password"])
