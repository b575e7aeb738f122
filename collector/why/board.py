"""The board where questions to gateways hang until each that listens has answered. In memory; nothing is judged.

A gateway asks for its questions and waits (long poll), so that one behind a firewall can be asked as well as our own.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

MOST_OPEN = 64  # questions at a time
LISTENS = timedelta(seconds=60)  # since its last poll


@dataclass(slots=True)
class Question:
    """One question: what is asked, of whom, and what was answered so far."""

    id: str
    body: Mapping[str, Any]
    asked: frozenset[str]
    answers: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    done: asyncio.Event = field(default_factory=asyncio.Event)


class TooManyQuestionsError(RuntimeError):
    """Say that enough questions hang already."""


class Board:
    """Hang questions out, hand them to gateways, and take their answers."""

    def __init__(self) -> None:
        self._open: dict[str, Question] = {}
        self._listening: dict[str, datetime] = {}
        self._more = asyncio.Condition()

    def listening(self, now: datetime) -> frozenset[str]:
        """Return the gateways that would answer now."""
        return frozenset(name for name, last in self._listening.items() if now - last < LISTENS)

    async def ask(self, body: Mapping[str, Any], now: datetime, seconds: float) -> dict[str, Mapping[str, Any]]:
        """Return each listening gateway's answer that came in time, by its id. Raises TooManyQuestionsError."""
        asked = self.listening(now)
        if len(self._open) >= MOST_OPEN:
            raise TooManyQuestionsError
        question = Question(secrets.token_hex(8), body, asked)
        if not asked:
            return {}
        self._open[question.id] = question
        try:
            async with self._more:
                self._more.notify_all()
            async with asyncio.timeout(seconds):
                await question.done.wait()
        except TimeoutError:
            pass
        finally:
            del self._open[question.id]
        return question.answers

    async def take(self, gateway: str, now: datetime, seconds: float) -> list[dict[str, Any]]:
        """Return the questions that this gateway has not answered, waiting a while for one."""
        self._listening[gateway] = now
        try:
            async with asyncio.timeout(seconds), self._more:
                await self._more.wait_for(lambda: self._for(gateway))
        except TimeoutError:
            pass
        return [{"id": question.id, **question.body} for question in self._for(gateway)]

    def answer(self, question_id: str, gateway: str, answer: Mapping[str, Any]) -> bool:
        """Take an answer; false when nobody waits for it any more."""
        question = self._open.get(question_id)
        if question is None or gateway not in question.asked:
            return False
        question.answers[gateway] = answer
        if question.asked <= question.answers.keys():
            question.done.set()
        return True

    def _for(self, gateway: str) -> list[Question]:
        return [q for q in self._open.values() if gateway in q.asked and gateway not in q.answers]
