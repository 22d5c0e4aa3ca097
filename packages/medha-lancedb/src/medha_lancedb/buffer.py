"""The pending file off the event loop, and its errors as Medha's."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from medha.errors import CollectionNotFoundError
from medha.memory import not_found_message
from medha_lancedb.errors import explain_pending
from medha_lancedb.lock import acquire, acquire_now
from medha_lancedb.pending import PendingFile
from medha_lancedb.view import View

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from pathlib import Path

    from medha.models import CacheEntry
    from medha_lancedb.pending import Values
    from medha_lancedb.settings import LanceSettings
    from medha_lancedb.writing import Feedback

T = TypeVar("T")

_GAP: Final = 0.11
"""Seconds, hardly more than the longest time between two looks of SQLite at a lock."""
_LONGEST_STREAK: Final = 5.0
"""Seconds in which one process may have turn after turn."""


class Buffer:
    """What is stored and not merged yet; always empty where the table is not in a folder."""

    def __init__(self, folder: Path | None, dimension: int, collection: str, settings: LanceSettings) -> None:
        self.takes = False
        """Whether single stores may be put here."""
        self.waiting = 0
        """How many rows wait, as far as this process knows; set on the file's thread."""
        self._dimension = dimension
        self._collection = collection
        self._folder = folder
        self._closed = False
        self._turn = asyncio.Lock()
        self._since = self._released = -math.inf
        if folder is not None:
            self._file = PendingFile(folder, dimension, collection, settings)
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="medha-lancedb")

    async def open(self) -> None:
        """Make the file, or open the one that is there."""
        if self._folder is not None:
            waiting = await self._run("opening", self._file.open)
            self.takes, self.waiting = waiting is not None, waiting or 0

    async def close(self) -> None:
        """Let go of the file."""
        if self._folder is not None and not self._closed:
            closing = self._run("closing", self._file.close)
            self._closed = True
            await closing
            self._thread.shutdown(wait=False)

    async def read(self, look: Callable[[View], T]) -> T:
        """What is seen in the rows that wait now."""
        if self._folder is None:
            return look(View(self._dimension))

        def read() -> T:
            view = self._file.view()
            self.waiting = len(view.rows)
            return look(view)

        return await self._run("reading", read)

    def rows(self, entries: Sequence[CacheEntry]) -> list[Values]:
        """What ``add`` takes; raises for what could not be stored, so that it spoils nothing else."""
        return [self._file.values(entry) for entry in entries]

    async def add(self, rows: Sequence[Values]) -> None:
        """Keep the rows, all or none, instead of those with the same ids."""

        def add() -> None:
            self._file.add(rows)
            self.waiting += len(rows)

        await self._run("storing in", add)

    async def remove(self, seqs: Sequence[int]) -> None:
        """Let these rows go, but nothing that was stored under their ids since."""

        def remove() -> None:
            self._file.remove(seqs)
            self.waiting = max(0, self.waiting - len(seqs))

        await self._run("removing from", remove)

    async def add_feedback(self, batch: Sequence[Feedback]) -> list[tuple[int, int] | None]:
        """Add to the counters of rows; ``None`` for what does not wait here."""
        if self._folder is None:
            return [None] * len(batch)
        return await self._run("counting feedback in", lambda: self._file.add_feedback(batch))

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[bool]:
        """The one turn among all processes to change the table; whether there is one, as there is beside a file."""
        if self._folder is None:
            yield False
            return
        async with self._turn:
            await self._let_others()
            lock = await self._acquire(self._folder)
            try:
                yield lock is not None
            finally:
                if lock is not None:
                    self._release(lock)

    async def _acquire(self, folder: Path) -> sqlite3.Connection | None:
        def now() -> tuple[bool, sqlite3.Connection | None]:
            is_open = self._file.is_open()
            return is_open, acquire_now(folder) if is_open else None

        is_open, lock = await self._kept(self._run("opening", now))
        if lock is not None or not is_open:
            return lock

        async def wait() -> tuple[bool, sqlite3.Connection | None]:
            # on another thread: stores go on meanwhile
            return True, await asyncio.to_thread(acquire, folder)

        doing = "waiting for the turn to change the table beside"
        return (await self._kept(self._explained(doing, wait())))[1]

    async def _kept(
        self, acquiring: Awaitable[tuple[bool, sqlite3.Connection | None]]
    ) -> tuple[bool, sqlite3.Connection | None]:
        waiting = asyncio.ensure_future(acquiring)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            waiting.add_done_callback(_give_back)
            raise

    async def _let_others(self) -> None:
        """Pause after many turns without a gap: another process that waits looks ten times a second for one."""
        now = time.monotonic()
        if now - self._released > _GAP:
            self._since = now
        elif now - self._since > _LONGEST_STREAK:
            await asyncio.sleep(_GAP)
            self._since = time.monotonic()

    def _release(self, lock: sqlite3.Connection) -> None:
        self._released = time.monotonic()
        if self._closed:
            lock.close()
        else:
            # nobody waits for it but who is next, and that is on the same thread
            self._thread.submit(lock.close)

    def _run(self, doing: str, job: Callable[[], T]) -> Awaitable[T]:
        if self._closed:
            # dropped or closed while somebody was using it: who tries again finds out which
            raise CollectionNotFoundError(not_found_message(self._collection))
        return self._explained(doing, asyncio.get_running_loop().run_in_executor(self._thread, job))

    async def _explained(self, doing: str, work: Awaitable[T]) -> T:
        try:
            return await work
        except (sqlite3.Error, OSError, OverflowError, UnicodeEncodeError) as exc:
            raise explain_pending(exc, doing=doing, path=self._file.path, collection=self._collection) from exc


def _give_back(waiting: asyncio.Future[tuple[bool, sqlite3.Connection | None]]) -> None:
    """End a turn that came when nobody waited for it any more."""
    if not waiting.cancelled() and waiting.exception() is None:
        _, lock = waiting.result()
        if lock is not None:
            lock.close()
