"""`POST /{tenant}/oauth2/v2.0/token` (and `/oauth2/token`): client credentials for a short token (RFC 6749, 4.4).

A client is an API token of ours: its id is the client's id, its secret the client's secret. The access token names it
and nothing more: what it may do is looked up at each use, so that revoking the API token ends it at once.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import unquote_plus

from aiohttp import web

from collector.accounts.tokens import find_by_id, find_client
from collector.delivery import storable
from collector.signing import Signer
from collector.store.database import Database
from collector.web.access import Caller
from collector.web.doors import comes_from
from collector.web.errors import Refused
from collector.web.forms import field, form_of
from collector.web.parts import PARTS

LIFE = timedelta(minutes=60)
TYPE = "at+jwt"  # RFC 9068
AUDIENCE = "seawall-api"
_MOST = 16 * 1024  # bytes of a form


async def token(request: web.Request) -> web.Response:
    """Answer an access token, or an error as RFC 6749 (5.2) and Entra write it."""
    if request.content_type != "application/x-www-form-urlencoded" or (request.content_length or 0) > _MOST:
        return _refused(400, "invalid_request", "expected a form: application/x-www-form-urlencoded")
    try:
        form = await form_of(request)
    except Refused as error:
        return _refused(400, "invalid_request", error.message)
    parts, fields = request.app[PARTS], {key: field(form, key) for key in form}
    if fields.get("grant_type") != "client_credentials":
        return _refused(400, "unsupported_grant_type", "grant_type: expected client_credentials")
    name, secret = _credentials(request.headers.get("Authorization", ""), fields)
    keys, now = (f"oauth {name[:32]}", f"oauth from {comes_from(request)}"), parts.clock()
    if wait := parts.throttle.wait(keys, now):
        refused = _refused(429, "temporarily_unavailable", "too many failures: try again later")
        refused.headers["Retry-After"] = str(wait)
        return refused
    client = await find_client(parts.database, name, secret, now) if name and secret else None
    if client is None:
        parts.throttle.failed(keys, now)
        return _refused(401, "invalid_client", "client_id or client_secret is wrong, or the token was revoked")
    parts.throttle.passed(keys)
    claims = {"aud": AUDIENCE, "sub": client.id, "appid": client.id, "roles": sorted(client.scopes)}
    access = parts.signer.sign({**claims, "exp": int((now + LIFE).timestamp())}, TYPE, now)
    seconds = int(LIFE.total_seconds())
    body = {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": access}
    return web.json_response(body)


async def caller_of_access(database: Database, signer: Signer, bearer: str, now: datetime) -> Caller | None:
    """Return who an access token of ours speaks for, as long as its API token is neither revoked nor expired."""
    claims = signer.read(bearer, TYPE, AUDIENCE, now)
    client = await find_by_id(database, str(claims["sub"]), now) if claims and "sub" in claims else None
    return client.caller if client else None


def _credentials(authorization: str, fields: Mapping[str, str]) -> tuple[str, str]:
    """Return client id and secret: from the form as Defender's clients send them, or by HTTP Basic."""
    scheme, _, coded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return fields.get("client_id", ""), fields.get("client_secret", "")
    try:
        user, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return str(storable(unquote_plus(user))), str(storable(unquote_plus(secret)))


def _refused(status: int, error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=status)
