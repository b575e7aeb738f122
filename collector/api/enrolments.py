"""`POST /api/v1/enrolments`: a link that sets one device up, once."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from collector.audit.log import AuditEntry, note
from collector.enrolments import LONGEST, MOST_BYTES, Offer, OfferedFile
from collector.web.bodies import json_object
from collector.web.errors import Refused
from collector.web.parts import CALLER, PARTS

type Word = Annotated[str, Field(min_length=1, max_length=128)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_=+.-]{1,64}$")]
    media: Annotated[str, Field(pattern=r"^[a-z]+/[a-z0-9.+-]{1,64}$")]
    purpose: Word
    body: bytes  # base64


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")
    device: Word
    files: Annotated[list[_File], Field(min_length=1, max_length=16)]
    lines: Annotated[dict[Word, Annotated[str, Field(max_length=1024)]], Field(max_length=16)] = {}
    seconds: Annotated[int, Field(ge=1, le=int(LONGEST.total_seconds()))] = 3600


async def post(request: web.Request) -> web.Response:
    """Answer the address. Admin only: what it holds lets whoever opens it be that device."""
    parts, now = request.app[PARTS], request.app[PARTS].clock()
    asked = _read(await json_object(request))
    files = {one.name: OfferedFile(_decoded(one.body), one.media, one.purpose) for one in asked.files}
    if sum(len(file.body) for file in files.values()) > MOST_BYTES:
        raise Refused(413, f"files: {MOST_BYTES} bytes at most")
    offer = Offer(asked.device, files, asked.lines, now + timedelta(seconds=asked.seconds))
    code = parts.enrolments.add(offer, now)
    async with parts.database.write() as connection:
        await note(connection, AuditEntry(now, request[CALLER].name, "enrolment.offer", asked.device))
    base = parts.settings.public_url.rstrip("/") or f"{request.scheme}://{request.host}"
    return web.json_response({"url": f"{base}/enrol?code={code}", "expires_in": asked.seconds}, status=201)


def _read(body: object) -> _Asked:
    try:
        return _Asked.model_validate(body)
    except ValidationError as error:
        [first, *_] = error.errors()
        raise Refused(400, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused(400, "files: a body is not base64") from None
