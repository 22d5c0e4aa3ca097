"""Writes that a caller who stops waiting does not cut off midway."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

_PATIENCE: Final = 5.0


class Writes:
    """Runs each write to its end, and lets the next one begin only when those that nobody waits for are over.

    Half a request may be half a batch, and a write that is still under way must not undo a later one.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._abandoned: set[asyncio.Task[Any]] = set()

    async def to_the_end(self, write: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What the write returns. A caller that is cancelled meanwhile leaves it running."""
        await self.settled()
        task = asyncio.create_task(write())
        self._running.add(task)
        task.add_done_callback(self._forget)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            self._abandoned.add(task)
            raise
        return task.result()

    async def settled(self) -> None:
        """Wait for what was abandoned."""
        await _finished(self._abandoned)

    async def over(self) -> None:
        """Wait for every write."""
        await _finished(self._running)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        self._abandoned.discard(task)
        if not task.cancelled():
            # perhaps nobody waits for it, and the event loop complains of an error that nobody looked at
            task.exception()


class WritesByCollection:
    """The same for engines on which a write to one collection holds up no other: calls wait for those on theirs alone.

    Reading waits too, so that it sees no part of a batch.
    """

    def __init__(self) -> None:
        self._abandoned: dict[str, set[asyncio.Task[Any]]] = {}

    async def settled(self, collection: str) -> None:
        """Wait for what was abandoned on the collection."""
        if collection in self._abandoned:
            await asyncio.wait(self._abandoned[collection])

    async def to_the_end(self, collection: str, write: asyncio.Task[T]) -> T:
        """What the write returns. A caller that is cancelled meanwhile leaves it running."""
        try:
            return await asyncio.shield(write)
        except asyncio.CancelledError:
            if not write.done():
                self._abandoned.setdefault(collection, set()).add(write)
                write.add_done_callback(lambda write: self._forget(collection, write))
            raise

    async def break_off(self) -> None:
        """Cancel what was abandoned."""
        abandoned = [write for writes in self._abandoned.values() for write in writes]
        for write in abandoned:
            write.cancel()
        await asyncio.gather(*abandoned, return_exceptions=True)

    def _forget(self, collection: str, write: asyncio.Task[Any]) -> None:
        writes = self._abandoned[collection]
        writes.discard(write)
        if not writes:
            del self._abandoned[collection]
        if not write.cancelled():
            # nobody is left to raise it to
            write.exception()


async def _finished(tasks: set[asyncio.Task[Any]]) -> None:
    """Wait for them; what hangs is given up, so that the server has the last word."""
    if not tasks:
        return
    _, hanging = await asyncio.wait(tasks, timeout=_PATIENCE)
    for task in hanging:
        task.cancel()
    if hanging:
        await asyncio.wait(hanging)
