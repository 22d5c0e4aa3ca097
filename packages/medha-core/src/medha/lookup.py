"""One lookup on its way down the waterfall."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from medha.errors import EmbedderError
from medha.guards.timely import until_midnight, untimely
from medha.models import UNSET, ConsideredCandidate, GuardVerdict, Match, TierTrace, Unset
from medha.where import Where

if TYPE_CHECKING:
    from medha.embedding import Embeddings
    from medha.identity import Asked
    from medha.models import CacheEntry, CacheHit, Metadata, Vector
    from medha.settings import Settings
    from medha.storage import SearchConditions, Storage


class Tier(Protocol):
    """One search strategy of the waterfall."""

    name: str

    async def answer(self, lookup: Lookup) -> CacheHit | None:
        """A hit, or ``None`` to let the next tier try."""
        ...


@dataclass(slots=True)
class Recorder:
    """What ``explain`` shows of a lookup."""

    tiers: list[TierTrace] = field(default_factory=list[TierTrace])
    candidates: list[ConsideredCandidate] = field(default_factory=list[ConsideredCandidate])

    def tier(self, name: str, hit: CacheHit | None, reason: str, started: float) -> None:
        """A tier ended."""
        milliseconds = (time.perf_counter() - started) * 1000
        self.tiers.append(TierTrace(name, hit is not None, reason, milliseconds))

    def candidate(self, tier: str, match: Match, verdicts: tuple[GuardVerdict, ...], outcome: str) -> None:
        """A candidate was considered."""
        entry = match.entry
        self.candidates.append(
            ConsideredCandidate(
                tier, entry.id, entry.question, entry.generated_query, match.similarity, verdicts, outcome
            )
        )


@dataclass(slots=True, kw_only=True)
class Lookup:
    """The question, its scope and instant, and what was fetched for it - each thing at most once.

    ``fault`` is how the embedder failed for a batch that this lookup is of.
    """

    asked: Asked
    filters: Metadata
    entry_id: str
    now: float
    storage: Storage
    embeddings: Embeddings
    settings: Settings
    recorder: Recorder | None = None
    reasons: list[str] = field(default_factory=list[str])
    exact: CacheEntry | Unset | None = UNSET
    vector: Vector | None = None
    fault: EmbedderError | None = None
    _matches: list[Match] | None = None

    async def exact_entry(self) -> CacheEntry | None:
        """The entry of this very question and scope, if it has not expired."""
        if self.exact is UNSET:
            self.exact = await self._fetch_exact()
        entry = self.exact
        if entry is None or entry.expired(self.now):
            return None
        stale = untimely(entry, self.now, self.filters)
        if stale is None:
            return until_midnight(entry, self.filters)
        self.reasons.append(f"the entry of this very question is not served: {stale}")
        return None

    async def _fetch_exact(self) -> CacheEntry | None:
        """By a ``get`` alone, or together with the candidates where that saves a round trip."""
        if self.storage.one_round_trip:
            vector = await self._vector_at_hand()
            if vector is not None:
                entry, matches = await self.storage.get_and_search(self.entry_id, vector, **self._conditions())
                self._keep(matches)
                return entry
        found = await self.storage.get([self.entry_id])
        return found[0] if found else None

    async def _vector_at_hand(self) -> Vector | None:
        """The vector, unless it takes a call over the network or the embedder is down."""
        if self.vector is None and self.fault is None:
            try:
                self.vector = await self.embeddings.at_hand(
                    self.asked.question.normalized, remember=self.recorder is None
                )
            except EmbedderError as exc:
                self.fault = exc
        return self.vector

    def _conditions(self) -> SearchConditions:
        settings = self.settings
        return {
            "limit": settings.fuzzy_prefilter_top_k,
            "min_similarity": min(
                settings.score_threshold_semantic,
                settings.score_threshold_fuzzy_prefilter,
                settings.score_threshold_review,
            ),
            "where": Where(metadata=self.filters),
            "now": self.now,
        }

    async def entries_of_question(self) -> list[CacheEntry]:
        """Every live entry of this question whose metadata fits the filters; needs no embedding."""
        where = Where(normalized_question=self.asked.question.normalized, metadata=self.filters)
        return [
            until_midnight(entry, self.filters)
            async for page in self.storage.pages(where)
            for entry in page
            if not entry.expired(self.now) and untimely(entry, self.now, self.filters) is None
        ]

    def _keep(self, matches: list[Match]) -> list[Match]:
        """Keep the candidates; a stale one too, for the guard of dates to say so."""
        self._matches = [Match(until_midnight(match.entry, self.filters), match.similarity) for match in matches]
        return self._matches

    @property
    def fetched(self) -> list[Match]:
        """The candidates, if the vector search was made already."""
        return self._matches or []

    async def matches(self) -> list[Match]:
        """The candidates of the one vector search, closest first."""
        if self._matches is None:
            if self.fault is not None:
                raise self.fault
            if self.vector is None:
                remember = self.recorder is None
                self.vector = await self.embeddings.of_question(self.asked.question.normalized, remember=remember)
            return self._keep(await self.storage.search(self.vector, **self._conditions()))
        return self._matches

    async def entries_without_embedder(self, fault: EmbedderError) -> list[CacheEntry]:
        """What can still be answered exactly while the embedder is down; raises its fault when nothing can."""
        entries = await self.entries_of_question()
        if not entries:
            raise fault
        return entries
