"""What is pending, as this process holds it in memory: found by id, by condition and by vector."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medha.errors import CorruptEntryError
from medha.facts import place
from medha.matrix import VectorMatrix
from medha.models import Match
from medha.where import Where

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from medha.models import CacheEntry, Vector, Vectors


class Row(NamedTuple):
    """One pending row."""

    seq: int
    id: str
    found: CacheEntry | CorruptEntryError
    """The entry without its vector, or why none can be made of the row."""
    place: int


@dataclass(slots=True)
class View:
    """The pending rows by id. Used on one thread."""

    dimension: int
    rows: dict[str, Row] = field(default_factory=dict[str, Row])
    _matrix: VectorMatrix[CacheEntry] = field(init=False)

    def __post_init__(self) -> None:
        self._matrix = VectorMatrix(self.dimension)

    def put(self, read: Sequence[tuple[int, str, CacheEntry | CorruptEntryError]], vectors: Vectors) -> None:
        """Add rows, each with its vector, instead of those with the same ids."""
        self.rows.update((entry_id, Row(seq, entry_id, found, place(entry_id))) for seq, entry_id, found in read)
        self._matrix.remove(entry_id for _, entry_id, found in read if isinstance(found, CorruptEntryError))
        whole = [found for _, _, found in read if not isinstance(found, CorruptEntryError)]
        if whole:
            sound = [not isinstance(found, CorruptEntryError) for _, _, found in read]
            self._matrix.put([entry.id for entry in whole], vectors[np.asarray(sound)], whole)

    def keep(self, seqs: Collection[int]) -> None:
        """Forget all other rows."""
        gone = [row.id for row in self.rows.values() if row.seq not in seqs]
        for entry_id in gone:
            del self.rows[entry_id]
        self._matrix.remove(gone)

    def get(self, ids: Iterable[str]) -> list[CacheEntry]:
        """The entries with these ids."""
        return [_entry(self.rows[entry_id]) for entry_id in ids if entry_id in self.rows]

    def whole(self) -> list[tuple[int, CacheEntry]]:
        """Every row of which an entry can be made, with its vector."""
        return [
            (row.seq, row.found.with_vector(self._matrix.vector(row.id)))
            for row in self.rows.values()
            if not isinstance(row.found, CorruptEntryError)
        ]

    def damaged(self, ids: Iterable[str]) -> list[int]:
        """Which of these rows no entry can be made of."""
        found = [self.rows[entry_id] for entry_id in ids if entry_id in self.rows]
        return [row.seq for row in found if isinstance(row.found, CorruptEntryError)]

    def matching(self, where: Where | None) -> list[Row]:
        """What fulfils the conditions.

        Raises:
            CorruptEntryError: nobody can say it of a row, because it is damaged; by its id alone it is found.
        """
        if where is None:
            return list(self.rows.values())
        by_id = where == Where(ids=where.ids)
        return [row for row in self._with_ids(where) if by_id or where.matches(_entry(row))]

    def after(self, where: Where | None, after: int, *, with_vectors: bool) -> list[tuple[int, CacheEntry]]:
        """What fulfils the conditions and comes after the place, each with its place and in that order."""
        rows = sorted((row for row in self.matching(where) if row.place > after), key=lambda row: row.place)
        found = [(row.place, _entry(row)) for row in rows]
        if not with_vectors:
            return found
        return [(number, entry.with_vector(self._matrix.vector(entry.id))) for number, entry in found]

    def nearest(self, vector: Vector, *, limit: int, min_similarity: float, where: Where, now: float) -> list[Match]:
        """The closest, by comparing all."""
        for row in self._with_ids(where):
            _entry(row)
        found = self._matrix.search_here(
            vector,
            limit=limit,
            min_similarity=min_similarity,
            accept=lambda entry: not entry.expired(now) and where.matches(entry),
        )
        return [Match(entry, similarity) for entry, similarity in found]

    def _with_ids(self, where: Where) -> Iterable[Row]:
        if where.ids is None:
            return self.rows.values()
        return [self.rows[entry_id] for entry_id in set(where.ids) if entry_id in self.rows]


def _entry(row: Row) -> CacheEntry:
    if isinstance(row.found, CorruptEntryError):
        raise CorruptEntryError(str(row.found)) from row.found.__cause__
    return row.found
