from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from proxy import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    made = io.StringIO()
    logs.configure("info", made)
    yield made
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_ours_and_libraries_lines_look_alike(stream: io.StringIO) -> None:
    structlog.get_logger("supervisor").info("hello", role="dns")
    logging.getLogger("proxy.feeds").warning("feed %s: late", "x")
    ours, theirs = stream.getvalue().splitlines()
    assert "[info] hello [supervisor] role=dns" in ours
    assert "[warning] feed x: late [proxy.feeds]" in theirs


def test_levels_and_chatty_libraries(stream: io.StringIO) -> None:
    structlog.get_logger("a").debug("no")
    logging.getLogger("aiohttp.access").info("no")
    logging.getLogger("alembic").warning("yes")
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("[warning] yes [alembic]")


def test_no_line_moves_the_cursor_or_turns_the_text(stream: io.StringIO) -> None:
    structlog.get_logger("a").info("seen \x1b[2J\u202e", host="\x07evil\r\x9b")
    assert not set(stream.getvalue()) & set("\x1b\x07\r\x9b\u202e")


def test_a_traceback_shows_no_values(stream: io.StringIO) -> None:
    secret = "the-read-token"
    try:
        _ = {}[len(secret)]  # type: ignore[var-annotated]
    except KeyError:
        structlog.get_logger("a").exception("failed")
    assert "KeyError: 14" in stream.getvalue()
    assert secret not in stream.getvalue().replace('secret = "the-read-token"', "")
