"""Gateways take questions (`GET /api/v1/questions`, long poll) and answer them; programs ask at `GET /api/v1/why`."""

from __future__ import annotations

from aiohttp import web

from collector.store.machines import find_machine
from collector.web.bodies import parsed
from collector.web.errors import Refused
from collector.web.parts import PARTS
from collector.why.answers import Answer, read_answer, written
from collector.why.board import TooManyQuestionsError

_LONGEST_WAIT = 30.0  # seconds
_PATIENCE = 4.0  # seconds that a person waits for the slowest gateway
_MOST_TARGET = 8192


async def take(request: web.Request) -> web.Response:
    """Answer a gateway with the questions that it has not answered, waiting up to `wait` seconds for one."""
    parts, gateway, wait = request.app[PARTS], request.query.get("gateway", ""), request.query.get("wait", "0")
    if not 0 < len(gateway) <= 128:
        raise Refused(400, "gateway: expected this gateway's id")
    if not (wait.isascii() and wait.isdigit() and len(wait) < 4):
        raise Refused(400, "wait: expected seconds")
    found = await parts.board.take(gateway, parts.clock(), min(float(wait), _LONGEST_WAIT))
    return web.json_response({"questions": found})


async def answer(request: web.Request) -> web.Response:
    """Take a gateway's answer: 204, or 404 when nobody waits for it any more."""
    parts = request.app[PARTS]
    async with parts.intake.place():
        body = await parts.intake.read(request)
    try:
        told = parsed(body)
        gateway = told["gateway"]
        read_answer(told["answer"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused(400, f"answer: {error}") from None
    if not parts.board.answer(request.match_info["id"], str(gateway), told["answer"]):
        raise Refused(404, "nobody waits for this answer any more")
    return web.Response(status=204)


async def why(request: web.Request) -> web.Response:
    """Answer what each listening gateway would do with `target`, for the device `machine` if one is named."""
    target, device = request.query.get("target", "").strip(), request.query.get("machine", "")
    if not 0 < len(target) <= _MOST_TARGET:
        raise Refused(400, "target: expected a domain, URL, address or file hash")
    found = await asked(request, target, device)
    return web.json_response({"value": [{"gateway": name, **written(one)} for name, one in found.items()]})


async def asked(request: web.Request, target: str, device_id: str) -> dict[str, Answer]:
    """Ask every gateway that listens and return what came, by gateway id. Raises Refused."""
    parts = request.app[PARTS]
    body = {"target": target, "device": {"id": "why", "name": "console", "group": "default"}}
    if device_id:
        found = await parts.database.ask(lambda connection: find_machine(connection, device_id))
        if found is None:
            raise Refused(404, "no device has this id")
        names = {"id": "id", "name": "name", "group": "device_group", "identified_by": "identified_by"}
        body["device"] = {name: found.row[column] for name, column in names.items()}
    try:
        answers = await parts.board.ask(body, parts.clock(), _PATIENCE)
    except TooManyQuestionsError:
        raise Refused(429, "too many questions at once: ask again in a moment", 2) from None
    return {name: read_answer(answers[name]) for name in sorted(answers)}
