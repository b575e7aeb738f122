"""`GET /.well-known/jwks.json`: the public keys with which what we sign can be checked."""

from __future__ import annotations

from aiohttp import web

from collector.web.parts import PARTS


async def get(request: web.Request) -> web.Response:
    """Answer the key set; it is meant for everybody."""
    return web.json_response(request.app[PARTS].signer.jwks())
