"""Questions reach every gateway that listens, answers come back to who asked, and late or foreign ones go nowhere."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from collector.api import questions
from collector.why.answers import read_answer, written
from collector.why.board import MOST_OPEN, Board, TooManyQuestionsError
from tests.collector.conftest import GATEWAY, NOW, READ
from tests.support.events import verdict

ANSWER = {
    "target": "evil.example",
    "action": "block",
    "reason": "listed by urlhaus",
    "matches": [
        {"indicator": "evil.example", "type": "domain", "action": "block", "category": "malware", "source": "urlhaus"}
    ],
}


async def gateway(running, name: str, answers: int = 1) -> list[dict]:
    """Poll and answer like a gateway, so many times."""
    seen = []
    while len(seen) < answers:
        _, body, _ = await running.ask("GET", f"/api/v1/questions?gateway={name}&wait=5", GATEWAY)
        for question in body["questions"]:
            seen.append(question)
            told = {"gateway": name, "answer": {**ANSWER, "target": question["target"]}}
            status, _, _ = await running.ask("POST", f"/api/v1/questions/{question['id']}", GATEWAY, json=told)
            assert status == 204
    return seen


async def listens(running, *names: str) -> None:
    for name in names:
        await running.ask("GET", f"/api/v1/questions?gateway={name}&wait=0", GATEWAY)


async def test_each_gateway_answers_for_itself(running):
    await running.deliver(verdict())
    await listens(running, "gw-1", "gw-2")
    answering = [asyncio.create_task(gateway(running, name)) for name in ("gw-1", "gw-2")]
    status, body, _ = await running.ask("GET", "/api/v1/why?target=evil.example&machine=dev-phone", READ)
    assert status == 200
    assert [one["gateway"] for one in body["value"]] == ["gw-1", "gw-2"]
    assert body["value"][0]["matches"][0]["source"] == "urlhaus"
    asked = await asyncio.gather(*answering)
    assert asked[0][0]["device"] == {
        "id": "dev-phone",
        "name": "Mira's phone",
        "group": "default",
        "identified_by": "address",
    }


async def test_nobody_listens_nobody_answers(running, monkeypatch):
    monkeypatch.setattr(questions, "_PATIENCE", 0.01)
    assert (await running.ask("GET", "/api/v1/why?target=evil.example"))[1] == {"value": []}
    await listens(running, "gw-1")
    assert (await running.ask("GET", "/api/v1/why?target=evil.example"))[1] == {"value": []}
    running.clock.advance(seconds=61)
    assert (await running.ask("GET", "/api/v1/why?target=evil.example"))[1] == {"value": []}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/why", 400),
        ("/api/v1/why?target=" + "a" * 8193, 400),
        ("/api/v1/why?target=x&machine=none", 404),
    ],
)
async def test_questions_that_are_refused(running, path, status):
    assert (await running.ask("GET", path))[0] == status


async def test_gateways_that_ask_wrongly(running):
    for path in ("", "?gateway=", "?gateway=g&wait=-1", "?gateway=g&wait=x"):
        assert (await running.ask("GET", f"/api/v1/questions{path}", GATEWAY))[0] == 400
    for body in ({}, {"gateway": "g", "answer": 5}, {"gateway": "g", "answer": {"target": "x", "matches": "no"}}):
        assert (await running.ask("POST", "/api/v1/questions/none", GATEWAY, json=body))[0] == 400
    late = {"gateway": "g", "answer": ANSWER}
    assert (await running.ask("POST", "/api/v1/questions/none", GATEWAY, json=late))[0] == 404


async def test_there_is_an_end_to_open_questions():
    board = Board()
    await board.take("gw", NOW, 0.0)
    asking = [asyncio.create_task(board.ask({"target": "x"}, NOW, 5.0)) for _ in range(MOST_OPEN)]
    while len(await board.take("gw", NOW, 1.0)) < MOST_OPEN:
        await asyncio.sleep(0)
    with pytest.raises(TooManyQuestionsError):
        await board.ask({"target": "x"}, NOW, 0.1)
    for question in await board.take("gw", NOW, 0.0):
        assert not board.answer(question["id"], "stranger", ANSWER)
        assert board.answer(question["id"], "gw", ANSWER)
    assert await asyncio.gather(*asking) == [{"gw": ANSWER}] * MOST_OPEN
    assert board.listening(NOW + timedelta(minutes=2)) == frozenset()


def test_answers_are_read_strictly():
    found = read_answer({**ANSWER, "newer": "ignored"})
    assert found.stops
    assert written(found)["matches"][0]["line"] == 0
    for wrong in (5, {}, {"target": "x", "matches": [{"line": -1}]}, {"target": "x", "action": 7}):
        with pytest.raises(ValueError, match=r": "):
            read_answer(wrong)
