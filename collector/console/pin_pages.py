"""The page of apps that refuse the gateways' certificate: passed undecrypted for a while, to be cleared here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.console.forms import back_to
from collector.console.gateway_views import GatewayView, gateway_views
from collector.console.rendering import page
from collector.gateway_status import Pinned
from collector.store.pin_clearing import Clearing, clear_pins, clearings
from collector.web.errors import Refused
from collector.web.forms import Form, field, form_of
from collector.web.parts import CALLER, PARTS, Parts

_ROWS = 500
_NAMES = ("gateway", "device", "host", "ja4")


@dataclass(frozen=True, slots=True)
class PinView:
    """One exception as the page shows it. `asked` says that its gateway has yet to forget it."""

    gateway: GatewayView
    pin: Pinned
    asked: bool = False

    @property
    def clearing(self) -> Clearing:
        """Return what forgets it."""
        return Clearing(self.gateway.id, self.pin.until, self.pin.device, self.pin.host, self.pin.ja4)

    def fits(self, words: str) -> bool:
        """Say whether a search finds it."""
        shown = (self.pin.name, self.pin.device, self.pin.host, self.pin.ja4, self.gateway.name)
        return any(words.casefold() in text.casefold() for text in shown)


async def listed(request: web.Request) -> web.Response:
    """Show them, the one that lasts longest first; `q` narrows them down."""
    parts, q = request.app[PARTS], request.query.get("q", "")[:256]
    views, untold = await _read(parts)
    found = [view for view in views if view.fits(q)]
    return page(request, "pins.html", pins=found[:_ROWS], total=len(found), untold=untold, q=q)


async def clear(request: web.Request) -> web.Response:
    """Ask the gateways to forget one, or all."""
    parts, form = request.app[PARTS], await form_of(request)
    chosen = _chosen(form, (await _read(parts))[0])
    await clear_pins(parts.database, chosen, request[CALLER].name, parts.clock())
    parts.live.changed()
    return back_to("/system/pins", "pin-gone")


def _chosen(form: Form, views: list[PinView]) -> list[Clearing]:
    match field(form, "what"):
        case "one":
            named = tuple(field(form, name) for name in _NAMES)
            one = [view.clearing for view in views if _named(view) == named]
            if not one:
                raise Refused(404, "This app is not passed undecrypted any more.")
            return one
        case "all":
            return _all_of(views)
        case _:
            raise Refused(400, "what: expected one or all")


def _all_of(views: Iterable[PinView]) -> list[Clearing]:
    latest: dict[str, datetime] = {}
    for view in views:
        latest[view.gateway.id] = max(view.pin.until, latest.get(view.gateway.id, view.pin.until))
    return [Clearing(gateway, until) for gateway, until in latest.items()]


def _named(view: PinView) -> tuple[str, ...]:
    return view.gateway.id, view.pin.device, view.pin.host, view.pin.ja4


async def _read(parts: Parts) -> tuple[list[PinView], int]:
    """Return what gateways told, and how many they have beyond those that a status has room for."""
    now = parts.clock()
    gateways, asked = await parts.database.ask(lambda connection: _told(connection, now))
    told = [PinView(view, pin) for view in gateways for pin in _pinned(view) if pin.until > now]
    told.sort(key=lambda view: view.pin.until, reverse=True)
    views = [PinView(one.gateway, one.pin, any(each.covers(one.clearing) for each in asked)) for one in told]
    return views, sum(max(0, view.status.pins - len(view.status.pinned)) for view in gateways if view.status)


async def _told(connection: AsyncConnection, now: datetime) -> tuple[list[GatewayView], list[Clearing]]:
    return await gateway_views(connection, now), await clearings(connection)


def _pinned(view: GatewayView) -> tuple[Pinned, ...]:
    return view.status.pinned if view.status else ()
