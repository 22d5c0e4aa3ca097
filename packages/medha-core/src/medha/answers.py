"""The L1 tier: whole answers to questions in the very same words."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from medha.errors import L1Error, MedhaError
from medha.l1 import L1Read
from medha.models import SearchStrategy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from medha.identity import Asked
    from medha.l1 import L1CacheBackend
    from medha.models import CacheHit
    from medha.stats import StatsRecorder

T = TypeVar("T")


class Answers:
    """An L1 cache bound to a collection. When it fails, a lookup goes on without it and the fault is counted."""

    def __init__(self, cache: L1CacheBackend, collection: str, stats: StatsRecorder, timeout: float | None) -> None:
        self._cache = cache
        self._collection = collection
        self._stats = stats
        self._timeout = None if cache.in_process else timeout

    async def read(self, key: str, now: float, *, count_fault: bool = True) -> L1Read:
        """The answer under the key if it has not expired, and the fence for ``keep``; a fence of -1 keeps nothing."""
        try:
            if self._timeout is None:
                found = await self._cache.get(self._collection, key)
            else:
                found = await self._call("read from", self._cache.get(self._collection, key))
        except L1Error as exc:
            if count_fault:
                self._stats.error(exc)
            return L1Read(None, -1)
        hit = found.hit
        if hit is not None and hit.expires_at is not None and hit.expires_at <= now:
            return L1Read(None, found.fence)
        return found

    async def keep(self, asked: Asked, key: str, hit: CacheHit, fence: int) -> None:
        """Keep the answer of a tier, unless something was invalidated since the fence was read."""
        if fence < 0 or hit.entry_id is None:
            return
        kept = replace(
            hit,
            strategy=SearchStrategy.L1_CACHE,
            reason=f"answered before as {hit.strategy}: {hit.reason}",
        )
        tags = (hit.entry_id, question_tag(asked.digest))
        try:
            await self._call("write to", self._cache.set(self._collection, key, kept, tags=tags, fence=fence))
        except L1Error as exc:
            self._stats.error(exc)

    async def withdraw(self, tags: Sequence[str], collection: str | None = None) -> None:
        """Remove every answer with one of the tags.

        Raises:
            L1Error: they could not be removed, so that they may still be served.
        """
        await self._call("withdraw answers from", self._cache.invalidate(collection or self._collection, tags))

    async def clear(self, collection: str | None = None) -> None:
        """Remove every answer of the collection."""
        await self._call("clear", self._cache.clear(collection or self._collection))

    async def _call(self, what: str, call: Awaitable[T]) -> T:
        name = type(self._cache).__name__
        try:
            async with asyncio.timeout(self._timeout):
                return await call
        except MedhaError:
            raise
        except TimeoutError as exc:
            raise L1Error(f"could not {what} the L1 cache {name} within {self._timeout} s") from exc
        except Exception as exc:
            raise L1Error(f"could not {what} the L1 cache {name}: {type(exc).__name__}: {exc}") from exc


def question_tag(digest: str) -> str:
    """The tag under which answers to the question of this digest are withdrawn, whichever entry they came from."""
    return f"q:{digest}"
