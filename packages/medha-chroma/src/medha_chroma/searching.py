"""Searches by vector, in raw cosine."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from medha.models import Match
from medha_chroma.queries import matching
from medha_chroma.records import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Generator

    from medha.models import Vector
    from medha.where import Where
    from medha_chroma.queries import Condition
    from medha_chroma.target import Target

_FEW: Final = 1000
"""Entries that are compared one by one rather than looked for in the index again."""
_WIDER: Final = 4096
"""Candidates of the second look."""

Found = list[tuple[Record, float]]


class Asked(NamedTuple):
    """What a search asks for."""

    vector: Vector
    limit: int
    min_similarity: float
    where: Where
    now: float


class Overlaps:
    """Which entries of a collection this process writes while it searches; used on one event loop.

    Chroma finds vectors in one file and reads the fields from another. Of an entry that is replaced in between, it
    would report the old vector's similarity with the new query.
    """

    def __init__(self) -> None:
        self._writing: list[Collection[str]] = []
        self._watches: list[set[str]] = []

    @contextmanager
    def writing(self, ids: Collection[str]) -> Generator[None]:
        """The entries with these ids are written meanwhile."""
        self._writing.append(ids)
        for watch in self._watches:
            watch.update(ids)
        try:
            yield
        finally:
            self._writing = [other for other in self._writing if other is not ids]

    @contextmanager
    def watching(self) -> Generator[set[str]]:
        """Collects the ids of all that is being written at any moment meanwhile."""
        watch = {entry_id for ids in self._writing for entry_id in ids}
        self._watches.append(watch)
        try:
            yield watch
        finally:
            self._watches = [other for other in self._watches if other is not watch]


async def search(target: Target, asked: Asked, overlaps: Overlaps) -> list[Match]:
    """The closest that the index finds, or of few the closest there are."""
    with overlaps.watching() as written:
        found = await _found(target, asked)
        doubtful = [record.id for record, _ in found if record.id in written]
        if doubtful:
            again = await _compared(target, asked, doubtful)
            found = [pair for pair in found if pair[0].id not in written] + again
    pairs = zip(target.entries([record for record, _ in found]), found, strict=True)
    matches = (Match(entry, similarity) for entry, (_, similarity) in pairs)
    # an entry may have been replaced after Chroma applied the condition
    right = [
        match
        for match in matches
        if match.similarity >= asked.min_similarity
        and asked.where.matches(match.entry)
        and not match.entry.expired(asked.now)
    ]
    return sorted(right, key=lambda match: -match.similarity)[: asked.limit]


async def _found(target: Target, asked: Asked) -> Found:
    condition = matching(asked.where, alive_at=asked.now)
    if condition.ids is not None:
        return await _compared(target, asked, condition.ids)
    found = await _by_index(target, asked, condition, asked.limit)
    if len(found) >= asked.limit:
        return found
    # the links of the index may lead past what fulfils the condition, or stands apart from very many equal vectors
    ids = await target.ids("searching", condition)
    if len(ids) <= len(found):
        return found
    if len(ids) <= _FEW:
        return await _compared(target, asked, ids)
    return await _by_index(target, asked, condition, min(len(ids), max(_WIDER, asked.limit)))


async def _by_index(target: Target, asked: Asked, condition: Condition, limit: int) -> Found:
    wanted: dict[str, Any] = {"query_embeddings": [asked.vector], "n_results": limit}
    wanted |= {"where": condition.filter, "include": ["metadatas", "distances"]}
    answer = await target.read("searching", "query", **wanted)
    fields: list[dict[str, Any]] = [stored or {} for stored in answer["metadatas"][0]]
    similarities = [_cosine(1.0 - distance) for distance in answer["distances"][0]]
    return list(zip(map(Record, answer["ids"][0], fields), similarities, strict=True))


async def _compared(target: Target, asked: Asked, ids: Collection[str]) -> Found:
    """Each with its cosine, by the vector that was stored with it."""
    condition = matching(asked.where, alive_at=asked.now)._replace(ids=ids)
    records = await target.get("searching", condition, with_vectors=True)
    if not records:
        return []
    products = np.asarray([record.vector for record in records], dtype=np.float32) @ asked.vector
    return [(record, _cosine(product)) for record, product in zip(records, products.tolist(), strict=True)]


def _cosine(product: float) -> float:
    return max(-1.0, min(1.0, product))
