"""The contract of a backend: it stores and finds entries, and decides nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medha.capabilities import Capability, Support
    from medha.models import CacheEntry, CollectionSpec, Match, Page, Vector
    from medha.where import Where


class VectorStorageBackend(ABC):
    """Stores entries and finds them by id, by ``Where`` and by vector. Applications use ``Medha`` instead.

    Every method may be called concurrently from tasks of one event loop. Core has checked what arrives:
    vectors are unit float32 rows of the collection's dimension, ids within one ``upsert`` are distinct, texts hold
    no NUL and no lone surrogate, metadata values are flat and finite. Deadlines are core's: it cancels
    a call that takes too long, and the backend must be usable after that. Errors are those of
    ``medha.errors.BackendError``, never the driver's own, with the driver's chained as the cause.
    A method on a collection that was not initialised raises ``CollectionNotFoundError``.
    """

    capabilities: Mapping[Capability, Support]
    """What the backend declares of itself, usually on the class; a condition it refuses raises ``UnsupportedError``."""

    @abstractmethod
    async def connect(self) -> None:
        """Open what the backend needs. Calling it again is harmless, also after ``close``.

        Raises:
            BackendUnavailableError: the engine cannot be reached.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close what ``connect`` opened, and only that. Calling it again is harmless."""

    @abstractmethod
    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        """Make the collection, or open the one that is there.

        Names map one-to-one: two different names never share a collection, whatever the engine's rules.

        Raises:
            CollectionMismatchError: it was made with another spec; the message says both.
        """

    @abstractmethod
    async def drop_collection(self, collection: str) -> None:
        """Remove the collection with all its entries; harmless when there is none."""

    @abstractmethod
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        """Store the entries, replacing those with the same id; all of them or none.

        They are durable (where the backend is) and visible to every method when it returns.
        """

    @abstractmethod
    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        """The entries with these ids, in any order; absent ids are left out.

        Here, in ``scroll`` and in ``count`` an expired entry is still there, until ``delete`` removes it or the
        engine, by its own clock, lets it go.
        """

    @abstractmethod
    async def search(
        self,
        collection: str,
        vector: Vector,
        *,
        limit: int,
        min_similarity: float,
        where: Where,
        now: float,
    ) -> list[Match]:
        """The closest entries by raw cosine, closest first, that match and have not expired at ``now``."""

    async def get_and_search(
        self,
        collection: str,
        entry_id: str,
        vector: Vector,
        *,
        limit: int,
        min_similarity: float,
        where: Where,
        now: float,
    ) -> tuple[CacheEntry | None, list[Match]]:
        """``get`` of one id and ``search``; declared as ``ONE_ROUND_TRIP``, the engine is asked once for both."""
        found = await self.get(collection, [entry_id])
        matches = await self.search(
            collection, vector, limit=limit, min_similarity=min_similarity, where=where, now=now
        )
        return found[0] if found else None, matches

    @abstractmethod
    async def scroll(
        self,
        collection: str,
        *,
        where: Where | None = None,
        limit: int = 500,
        cursor: str | None = None,
        with_vectors: bool = False,
    ) -> Page:
        """One page of matching entries, expired ones too; pass its cursor to get the next.

        Entries that stand untouched during the whole scroll appear exactly once.
        """

    @abstractmethod
    async def count(self, collection: str, *, where: Where | None = None) -> int:
        """How many entries match, expired ones too."""

    @abstractmethod
    async def delete(self, collection: str, *, where: Where) -> int:
        """Remove every matching entry; returns how many there were. ``Where()`` removes all."""

    @abstractmethod
    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        """Add to the entry's two counters in one step, and return them; ``None`` when there is no such entry.

        It never writes any other field, so that it cannot undo a concurrent ``upsert``.
        """
