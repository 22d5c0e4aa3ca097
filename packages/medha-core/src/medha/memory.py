"""The reference backend: everything in this process, exact, gone when it ends."""

from __future__ import annotations

import asyncio
import bisect
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from medha.backend import VectorStorageBackend
from medha.builtin_plugins import MEMORY_CAPABILITIES
from medha.errors import CollectionMismatchError, CollectionNotFoundError
from medha.matrix import VectorMatrix
from medha.models import CacheEntry, CollectionSpec, Match, Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medha.capabilities import Capability, Support
    from medha.models import Vector, Vectors
    from medha.where import Where

_INLINE_ENTRIES: Final = 1000
_LOG_SLACK: Final = 1000
_EQUAL: Final = ("normalized_question", "query_hash", "template_id")
"""Fields of ``Where`` and of an entry."""


@dataclass(slots=True)
class _Collection:
    spec: CollectionSpec
    matrix: VectorMatrix[CacheEntry]
    entries: dict[str, CacheEntry] = field(default_factory=dict[str, CacheEntry])
    serial_of: dict[str, int] = field(default_factory=dict[str, int])
    log_serials: list[int] = field(default_factory=list[int])
    log_ids: list[str] = field(default_factory=list[str])
    serial: int = 0

    def put(self, entries: Sequence[CacheEntry], vectors: Vectors) -> None:
        ids = [entry.id for entry in entries]
        self.matrix.put(ids, vectors, entries)
        self.entries.update(zip(ids, entries, strict=True))
        new = [key for key in ids if key not in self.serial_of]
        serials = range(self.serial + 1, self.serial + 1 + len(new))
        self.serial += len(new)
        self.serial_of.update(zip(new, serials, strict=True))
        self.log_serials.extend(serials)
        self.log_ids.extend(new)

    def remove(self, ids: Iterable[str]) -> int:
        ids = list(ids)
        for key in ids:
            del self.entries[key]
            del self.serial_of[key]
        if len(self.log_ids) > 2 * len(self.entries) + _LOG_SLACK:
            self.log_ids = list(self.serial_of)
            self.log_serials = list(self.serial_of.values())
        return self.matrix.remove(ids)

    def in_order(self, after: int) -> Iterable[tuple[int, CacheEntry]]:
        start = bisect.bisect_right(self.log_serials, after)
        for position in range(start, len(self.log_ids)):
            serial, key = self.log_serials[position], self.log_ids[position]
            if self.serial_of.get(key) == serial:
                yield serial, self.entries[key]

    async def matching(self, where: Where) -> list[CacheEntry]:
        if where.ids is not None:
            chosen = [self.entries[key] for key in set(where.ids) if key in self.entries]
        else:
            chosen = list(self.entries.values())
        if len(chosen) <= _INLINE_ENTRIES:
            return _matching(chosen, where)
        return await asyncio.to_thread(_matching, chosen, where)


def _matching(entries: list[CacheEntry], where: Where) -> list[CacheEntry]:
    # a loop for each condition leaves little for ``matches``, and is many times as fast
    for name in _EQUAL:
        wanted: str | None = getattr(where, name)
        if wanted is not None:
            entries = [entry for entry in entries if getattr(entry, name) == wanted]
    for key, value in where.metadata.items():
        entries = [entry for entry in entries if entry.metadata.get(key) == value]
    if where.expired_at is not None:
        entries = [entry for entry in entries if entry.expires_at is not None]
    return [entry for entry in entries if where.matches(entry)]


class MemoryBackend(VectorStorageBackend):
    """Entries in dicts, vectors in a numpy float32 matrix; every search looks at every row."""

    capabilities: Mapping[Capability, Support] = MEMORY_CAPABILITIES

    def __init__(self) -> None:
        self._collections: dict[str, _Collection] = {}

    async def connect(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Forget every collection."""
        self._collections.clear()

    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        """Make or reopen the collection."""
        known = self._collections.get(collection)
        if known is None:
            self._collections[collection] = _Collection(spec, VectorMatrix(spec.dimension))
        elif known.spec != spec:
            raise CollectionMismatchError(mismatch_message(collection, known.spec, spec))

    async def drop_collection(self, collection: str) -> None:
        """Forget the collection."""
        self._collections.pop(collection, None)

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        """Keep the entries; their vectors are copied."""
        target = self._open(collection)
        if not entries:
            return
        vectors = np.asarray([entry.vector for entry in entries], dtype=np.float32)
        target.put([entry.with_vector(None) for entry in entries], vectors)

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        """The entries that are there."""
        entries = self._open(collection).entries
        return [entries[key] for key in ids if key in entries]

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
        """One product of the matrix with the vector; large ones in a thread."""
        found = await self._open(collection).matrix.search(
            vector,
            limit=limit,
            min_similarity=min_similarity,
            accept=lambda entry: not entry.expired(now) and where.matches(entry),
        )
        return [Match(entry, similarity) for entry, similarity in found]

    async def scroll(
        self,
        collection: str,
        *,
        where: Where | None = None,
        limit: int = 500,
        cursor: str | None = None,
        with_vectors: bool = False,
    ) -> Page:
        """Entries in the order in which their ids first came."""
        source = self._open(collection)
        matching = None if where is None else {entry.id for entry in await source.matching(where)}
        found: list[tuple[int, CacheEntry]] = []
        for serial, entry in source.in_order(int(cursor) if cursor is not None else 0):
            if matching is None or entry.id in matching:
                found.append((serial, entry))
                if len(found) > limit:
                    break
        page = [entry for _, entry in found[:limit]]
        if with_vectors:
            page = [entry.with_vector(source.matrix.vector(entry.id)) for entry in page]
        return Page(page, str(found[limit - 1][0]) if len(found) > limit else None)

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        """How many match."""
        source = self._open(collection)
        return len(source.entries) if where is None else len(await source.matching(where))

    async def delete(self, collection: str, *, where: Where) -> int:
        """Remove what matches, but nothing that was replaced while it was being looked for."""
        target = self._open(collection)
        matching = await target.matching(where)
        return target.remove(entry.id for entry in matching if target.entries.get(entry.id) is entry)

    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        """Count."""
        target = self._open(collection)
        entry = target.entries.get(entry_id)
        if entry is None:
            return None
        counted = replace(
            entry,
            feedback_correct=entry.feedback_correct + correct,
            feedback_incorrect=entry.feedback_incorrect + incorrect,
        )
        target.entries[entry_id] = counted
        target.matrix.set_payload(entry_id, counted)
        return counted.feedback_correct, counted.feedback_incorrect

    def _open(self, collection: str) -> _Collection:
        try:
            return self._collections[collection]
        except KeyError as exc:
            raise CollectionNotFoundError(not_found_message(collection)) from exc


def mismatch_message(collection: str, stored: CollectionSpec, asked: CollectionSpec) -> str:
    """What every backend says of a collection opened with another model."""
    return (
        f"the collection {collection!r} was made with {stored.model_name!r} ({stored.dimension} dimensions) and "
        f"is now opened with {asked.model_name!r} ({asked.dimension} dimensions); vectors of two models cannot be "
        "compared. Use the first model, another collection name, or export and warm into a new collection"
    )


def not_found_message(collection: str) -> str:
    """What every backend says of a collection that was not initialised."""
    return f"there is no collection {collection!r}; initialize it first (Medha does so when it starts)"
