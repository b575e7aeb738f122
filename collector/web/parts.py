"""The collector's parts as request handlers reach them. Values and keys only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from collector.live import Live
from collector.settings import CollectorSettings
from collector.store.database import Database
from collector.web.access import Caller, Tokens
from collector.web.hosts import AllowedHosts
from collector.web.intake import Intake
from collector.web.sessions import Sessions

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Parts:
    """Hold what one running collector is made of."""

    settings: CollectorSettings
    clock: Callable[[], datetime]
    database: Database
    live: Live
    tokens: Tokens
    sessions: Sessions
    hosts: AllowedHosts
    intake: Intake


PARTS = web.AppKey("parts", Parts)
CALLER = web.RequestKey("caller", Caller)
NONCE = web.RequestKey("nonce", str)
