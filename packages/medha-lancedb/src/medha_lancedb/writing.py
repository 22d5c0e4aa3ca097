"""Commits that many calls share: what comes in while one is under way goes into the next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from medha.where import Where
    from medha_lancedb.drafts import Draft


class Store(NamedTuple):
    """Entries to be stored."""

    drafted: Draft


class Pend(NamedTuple):
    """A few rows to be stored in the pending file."""

    rows: Sequence[Any]


class Feedback(NamedTuple):
    """Counts to be added to an entry."""

    entry_id: str
    correct: int
    incorrect: int


class Delete(NamedTuple):
    """Conditions whose entries are removed."""

    where: Where


Work = Store | Pend | Feedback | Delete


class Writer:
    """Takes the work for one table in the order in which it comes, and commits it in batches of one kind.

    Work whose caller is cancelled is done all the same, or not begun. Used on one event loop.
    """

    def __init__(self, commit: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]) -> None:
        """``commit`` does a batch, all of it or nothing, and returns a result for each piece of work.

        A piece that it refused has its error for a result.
        """
        self._commit = commit
        self._waiting: list[tuple[Work, asyncio.Future[Any]]] = []
        self._task: asyncio.Task[None] | None = None

    async def do(self, work: Work) -> Any:
        """The result of the work, once it is committed."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await done

    async def finish(self) -> None:
        """Wait until everything that was handed in is done."""
        while self._task is not None:
            await asyncio.shield(self._task)

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch = self._next_batch()
                if batch:
                    await self._do(batch)
        finally:
            self._task = None

    def _next_batch(self) -> list[tuple[Work, asyncio.Future[Any]]]:
        """As much of one kind as stands first; a delete stands alone, since its condition may meet what is stored."""
        waiting = [(work, done) for work, done in self._waiting if not done.cancelled()]
        size = 0
        while size < len(waiting) and type(waiting[size][0]) is type(waiting[0][0]):
            size += 1
            if isinstance(waiting[0][0], Delete):
                break
        self._waiting = waiting[size:]
        return waiting[:size]

    async def _do(self, batch: Sequence[tuple[Work, asyncio.Future[Any]]]) -> None:
        try:
            results = await self._commit([work for work, _ in batch])
        except BaseException as exc:
            for _, done in batch:
                if not done.done():
                    done.set_exception(exc)
            if not isinstance(exc, Exception):
                raise
            return
        for (_, done), result in zip(batch, results, strict=True):
            if done.done():
                continue
            if isinstance(result, Exception):
                done.set_exception(result)
            else:
                done.set_result(result)
