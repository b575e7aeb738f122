"""What a database lends: a connection for a block, or for questions that are answered in one go.

Functions of the store are written once, for SQLAlchemy's `AsyncConnection`, whichever database answers.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

type Questions[T] = Callable[[AsyncConnection], Coroutine[Any, Any, T]]
"""What is asked over a connection. It may wait for the connection alone: on SQLite it runs in a thread, to its end."""


class Lender(Protocol):
    """Lend connections to one database, each in a transaction of its own."""

    def lent(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Lend a connection; what was done is committed when the block ends, undone when it raises."""

    async def all_at_once[T](self, questions: Questions[T]) -> T:
        """Ask everything in one go, in one transaction, and return what came of it."""

    async def close(self) -> None:
        """Close every connection."""
