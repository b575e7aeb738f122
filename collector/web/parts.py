"""The collector's parts as request handlers reach them. Values and keys only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web

from collector.accounts.people import People
from collector.accounts.throttle import Throttle
from collector.enrolments import Enrolments
from collector.live import Live
from collector.outputs.backlog import Signer, unsigned
from collector.settings import CollectorSettings
from collector.signing import Signer as SigningKey
from collector.store.database import Database
from collector.web.access import Caller, Tokens
from collector.web.hosts import AllowedHosts
from collector.web.intake import Intake
from collector.web.rates import Rates
from collector.web.sessions import Sessions
from collector.why.board import Board

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
type Bearer = Callable[[str, datetime], Awaitable[Caller | None]]


@dataclass(frozen=True, slots=True)
class Parts:
    """Hold what one running collector is made of. `bearers` recognise further kinds of token, the first one first."""

    settings: CollectorSettings
    clock: Callable[[], datetime]
    database: Database
    live: Live
    tokens: Tokens
    sessions: Sessions
    hosts: AllowedHosts
    intake: Intake
    people: People
    throttle: Throttle
    rates: Rates = field(default_factory=Rates)
    signer: SigningKey = field(default_factory=SigningKey)
    bearers: list[Bearer] = field(default_factory=list)
    sign_risk: Signer = unsigned
    board: Board = field(default_factory=Board)
    enrolments: Enrolments = field(default_factory=Enrolments)


PARTS = web.AppKey("parts", Parts)
CALLER = web.RequestKey("caller", Caller)
NONCE = web.RequestKey("nonce", str)
POLICY = web.RequestKey("policy", str)
"""The Content-Security-Policy of a page that brings its own."""
