"""Judged answers of one collection: counted, kept in a collection beside it, and turned into terms.

They are kept as entries whose two feedback counters are the tally, one entry for each tier (and, for the semantic tier,
each hundredth of similarity): a backend adds to them in one step, so that processes may share them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from medha.identity import entry_id, query_hash, scope_key
from medha.models import CacheEntry, SearchStrategy
from medha.terms import Tally, band_of, decide, tighter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from medha.models import CacheHit, CollectionSpec, Terms
    from medha.settings import Settings
    from medha.storage import Storage

SUFFIX: Final = ".evidence"
_REMEMBERED: Final = 10_000
_TIERS: Final = {
    SearchStrategy.SEMANTIC_MATCH: "semantic",
    SearchStrategy.FUZZY_MATCH: "fuzzy",
    SearchStrategy.LEARNED_TEMPLATE: "learned",
    SearchStrategy.TEMPLATE_MATCH: "template",
}


class Answered(NamedTuple):
    """An answer that may be judged: what was served, or what a tier that is held back would have served."""

    tier: str
    similarity: float | None
    entry_id: str | None
    query: str
    served: bool


def answered(hit: CacheHit, *, served: bool) -> Answered | None:
    """The answer with its tier; ``None`` for a miss, and for L1, which repeats another tier's answer."""
    if not hit or hit.strategy is SearchStrategy.L1_CACHE:
        return None
    tier = _TIERS.get(hit.strategy) or ("exact" if hit.similarity is None else "semantic")
    return Answered(tier, hit.similarity, hit.entry_id, hit.generated_query or "", served)


async def read_tallies(storage: Storage) -> dict[tuple[str, int | None], Tally]:
    """The judged answers that a collection of evidence holds."""
    tallies: dict[tuple[str, int | None], Tally] = {}
    async for page in storage.pages():
        for entry in page:
            band = entry.metadata.get("band")
            key = (str(entry.metadata["tier"]), None if band is None else int(band))
            tallies[key] = Tally(entry.feedback_correct, entry.feedback_incorrect)
    return tallies


class EvidenceBook:
    """What is known of how right each tier is; ``terms`` follow from it."""

    def __init__(
        self,
        storage: Storage,
        *,
        spec: CollectionSpec,
        settings: Settings,
        bound: float,
        withdraw: Callable[[], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        self._storage = storage.other(storage.collection + SUFFIX)
        self._spec, self._settings, self._bound, self._clock = spec, settings, bound, clock
        self._withdraw = withdraw
        self._tallies: dict[tuple[str, int | None], Tally] = {}
        self._lately: OrderedDict[str, Answered] = OrderedDict()
        self._counted: OrderedDict[tuple[str, str, str | None], None] = OrderedDict()
        self._writing = asyncio.Lock()
        self.terms: Terms = decide(self._tallies, settings, bound)

    async def open(self) -> None:
        """Read what is kept; answers that L1 kept under other terms are withdrawn."""
        await self._storage.initialize(self._spec)
        self._tallies = await read_tallies(self._storage)
        self.terms = decide(self._tallies, self._settings, self._bound)
        await self._withdraw()

    def remember(self, key: str, answer: Answered | None) -> None:
        """Keep the answer to this question, for when it is judged; the latest are kept."""
        if answer is not None:
            self._lately[key] = answer
            self._lately.move_to_end(key)
            if len(self._lately) > _REMEMBERED:
                self._lately.popitem(last=False)

    def lately(self, key: str, wanted: str | None) -> Answered | None:
        """The answer to this question that came from the wanted entry; where none is named, the one that was served."""
        answer = self._lately.get(key)
        if answer is None:
            return None
        return answer if answer.entry_id == wanted or (wanted is None and answer.served) else None

    async def true_query(self, key: str, query: str) -> None:
        """The question's true query is known: judge what a tier that is held back would have answered."""
        answer = self._lately.get(key)
        if answer is not None and not answer.served:
            del self._lately[key]
            # another text may be the same query: it counts as wrong, so that the bound errs on the safe side
            await self.judge(key, answer, correct=query_hash(query) == query_hash(answer.query))

    async def judge(self, key: str, answer: Answered, *, correct: bool) -> None:
        """Count one judgement; the same answer to the same question counts once."""
        once = (key, answer.tier, answer.entry_id)
        if once in self._counted:
            return
        self._counted[once] = None
        if len(self._counted) > _REMEMBERED:
            self._counted.popitem(last=False)
        place = (answer.tier, band_of(answer.tier, answer.similarity))
        async with self._writing:
            self._tallies[place] = await self._add(place, correct=correct)
        before, self.terms = self.terms, decide(self._tallies, self._settings, self._bound)
        if tighter(self.terms, before):
            await self._withdraw()

    async def _add(self, place: tuple[str, int | None], *, correct: bool) -> Tally:
        entry = self._entry(place)
        change = {"correct": int(correct), "incorrect": int(not correct)}
        counted = await self._storage.add_feedback(entry.id, **change)
        if counted is None:
            await self._storage.upsert([entry])
            counted = await self._storage.add_feedback(entry.id, **change) or (0, 0)
        return Tally(*counted)

    def _entry(self, place: tuple[str, int | None]) -> CacheEntry:
        import numpy as np

        tier, band = place
        name = tier if band is None else f"{tier} {band}"
        vector = np.zeros(self._spec.dimension, np.float32)
        vector[0] = 1.0
        metadata: dict[str, Any] = {"tier": tier} if band is None else {"tier": tier, "band": band}
        return CacheEntry(
            # as every entry's, so that a migration gives it the one it has here
            id=entry_id(self._storage.collection, name, scope_key(metadata)),
            question=name,
            normalized_question=name,
            generated_query=name,
            query_hash=query_hash(name),
            created_at=self._clock(),
            metadata=metadata,
            vector=vector,
        )
