"""The L1 tier: whole answers to questions in the very same words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from medha.deadline import within
from medha.errors import L1Error
from medha.identity import ask
from medha.l1 import L1Read
from medha.models import SearchStrategy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from medha.identity import Asked
    from medha.l1 import L1CacheBackend
    from medha.models import CacheHit
    from medha.stats import StatsRecorder

T = TypeVar("T")

_MOST_OWED: Final = 10_000
LEARNED_TAG: Final = "learned"
"""The tag of answers from learned templates, which rest on more entries than the one whose query they took."""


class Answers:
    """An L1 cache bound to a collection. When it fails, a lookup goes on without it and the fault is counted."""

    def __init__(self, cache: L1CacheBackend, collection: str, stats: StatsRecorder, timeout: float | None) -> None:
        self._cache = cache
        self._collection = collection
        self._stats = stats
        self.in_process = cache.in_process
        self._timeout = None if cache.in_process else timeout
        self._owed: set[str] = set()
        self._owes_all = False
        self._refusals = 0

    async def connect(self) -> None:
        """Open the L1 cache."""
        await self._call("connect to", self._cache.connect())

    async def read(self, key: str, now: float, *, count_fault: bool = True) -> L1Read:
        """The answer under the key if it has not expired, and the fence for ``keep``; a fence of -1 keeps nothing."""
        try:
            if self._owed or self._owes_all:
                await self._pay()
            if self.in_process:
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
        tags = {hit.entry_id, question_tag(asked.digest)}
        if hit.strategy is SearchStrategy.LEARNED_TEMPLATE:
            tags.add(LEARNED_TAG)
        if hit.matched_question is not None:
            tags.add(question_tag(ask(hit.matched_question).digest))
        try:
            await self._call("write to", self._cache.set(self._collection, key, kept, tags=tags, fence=fence))
        except L1Error as exc:
            self._stats.error(exc)

    async def withdraw(self, tags: Sequence[str], collection: str | None = None) -> None:
        """Remove every answer with one of the tags.

        Raises:
            L1Error: they could not be removed; this cache reads no answer before they are, but others may serve them.
        """
        own = collection in {None, self._collection}
        try:
            await self._call("withdraw answers from", self._cache.invalidate(collection or self._collection, tags))
        except L1Error:
            self._refusals += 1
            if own:
                self._owed.update(tags)
            if len(self._owed) > _MOST_OWED:
                self._owed, self._owes_all = set(), True
            raise

    async def clear(self, collection: str | None = None) -> None:
        """Remove every answer of the collection; raises as ``withdraw`` does."""
        own = collection in {None, self._collection}
        try:
            await self._call("clear", self._cache.clear(collection or self._collection))
        except L1Error:
            self._refusals += 1
            self._owes_all |= own
            raise

    async def _pay(self) -> None:
        """Withdraw what could not be withdrawn before; until then nothing is read."""
        refusals = self._refusals
        await (self.clear() if self._owes_all else self.withdraw(tuple(self._owed)))
        # what was refused meanwhile may be among it, so that all of it is withdrawn once more
        if refusals == self._refusals:
            self._owed, self._owes_all = set(), False

    async def _call(self, what: str, call: Awaitable[T]) -> T:
        name = type(self._cache).__name__
        return await within(
            self._timeout,
            call,
            late=lambda: L1Error(f"could not {what} the L1 cache {name} within {self._timeout} s"),
            failed=lambda why: L1Error(f"could not {what} the L1 cache {name}: {why}"),
        )


def question_tag(digest: str) -> str:
    """The tag under which answers to the question of this digest are withdrawn, whichever entry they came from."""
    return f"q:{digest}"
