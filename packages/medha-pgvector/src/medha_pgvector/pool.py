"""A pool of connections that are opened by the calls that need them."""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from medha_pgvector.rows import Packed, PackedDumper, Vectors, VectorsDumper

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

CANCEL_WITHIN: Final = 1.0
"""Seconds for the server to take notice that a call was given up."""


class Connection(psycopg.AsyncConnection[tuple[Any, ...]]):
    """One that a cancelled call does not wait for when the server has stalled."""

    async def cancel_safe(self, *, timeout: float = CANCEL_WITHIN) -> None:  # noqa: ASYNC109 - as it is inherited
        """Ask the server to stop, and hang up when it does not listen."""
        try:
            await super().cancel_safe(timeout=min(timeout, CANCEL_WITHIN))
        except psycopg.Error:
            self.pgconn.finish()
            raise


class Pool:
    """At most ``size`` connections, each with one call at a time.

    Not psycopg_pool: its callers learn that the server is down only by waiting in vain, and not why. Here
    the one who needs a connection opens it and gets the driver's own error, and nothing runs in the background.
    """

    def __init__(self, conninfo: str, size: int, **parameters: Any) -> None:
        self._conninfo = conninfo
        self._parameters = parameters
        self._free = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
        self._closed = False
        self.prepare_threshold: int | None = None
        """After so many executions a statement is prepared; ``None`` for never."""

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """The result of work on a connection outside any transaction; one that was left otherwise is not used again."""
        async with self._free:
            connection = await self._idle_one() or await self._open()
            reusable = True
            connection.prepare_threshold = self.prepare_threshold
            try:
                return await work(connection)
            except asyncio.CancelledError:
                # the server may obey the cancellation as late as in the next call
                reusable = False
                raise
            finally:
                idle = connection.pgconn.transaction_status == TransactionStatus.IDLE
                if reusable and idle and not self._closed:
                    self._idle.append(connection)
                else:
                    await connection.close()

    async def close(self) -> None:
        """Close what is idle now, and the others when their calls end."""
        self._closed = True
        while self._idle:
            await self._idle.pop().close()

    async def _idle_one(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not _has_something_to_say(connection):
                return connection
            await connection.close()
        return None

    async def _open(self) -> Connection:
        connection = await Connection.connect(
            self._conninfo, autocommit=True, client_encoding="utf8", **self._parameters
        )
        connection.adapters.register_dumper(Packed, PackedDumper)
        connection.adapters.register_dumper(Vectors, VectorsDumper)
        return connection


def _has_something_to_say(connection: Connection) -> bool:
    """Whether the server spoke unasked, which it does only when it hangs up; a look without a round trip."""
    waiting, _, _ = select.select([connection.pgconn.socket], [], [], 0)
    return bool(waiting)
