"""Answer errors in one form: JSON as Defender writes it for programs, a short page for people."""

from __future__ import annotations

import logging

from aiohttp import web

from collector.store.database import StoreUnavailableError

_LOG = logging.getLogger(__name__)
_CODES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    408: "RequestTimeout",
    409: "Conflict",
    413: "PayloadTooLarge",
    415: "UnsupportedMediaType",
    421: "MisdirectedRequest",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
}


class Refused(Exception):  # noqa: N818 - an answer, not a failure of ours
    """End a request with a status, words that say what to change, and perhaps when to try again (seconds)."""

    def __init__(self, status: int, message: str, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


def refusal(error: Exception) -> Refused:
    """Turn what a handler raised into an answer. What we did not foresee is logged and says nothing of our inside."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, StoreUnavailableError):
        _LOG.error("%s", error)
        return Refused(503, "the collector's database cannot be used now; nothing was kept, try again", 5)
    if isinstance(error, web.HTTPException):
        return Refused(error.status, _HTTP_WORDS.get(error.status, error.reason))
    _LOG.exception("request failed", exc_info=error)
    return Refused(500, "an error inside the collector; its log says more")


_HTTP_WORDS = {404: "there is nothing here", 405: "this address does not take that method"}


def as_json(refused: Refused) -> web.Response:
    """Write the answer for programs."""
    code = _CODES.get(refused.status, "InternalServerError")
    answer = web.json_response({"error": {"code": code, "message": refused.message}}, status=refused.status)
    return with_headers(answer, refused)


def with_headers(answer: web.Response, refused: Refused) -> web.Response:
    """Add the headers that a status calls for."""
    if refused.retry_after:
        answer.headers["Retry-After"] = str(refused.retry_after)
    if refused.status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="seawall"'
    if refused.status in (400, 408, 413, 429):
        answer.force_close()
    return answer
