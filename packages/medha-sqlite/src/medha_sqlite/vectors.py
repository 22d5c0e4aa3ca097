"""The vectors of each collection, held in this process and kept in step with the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from medha.matrix import VectorMatrix
from medha.rows import to_metadata
from medha_sqlite import statements
from medha_sqlite.rows import comparable, to_vectors

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from medha.models import Metadata
    from medha_sqlite.rows import Collection

_ROWS_AT_A_TIME: Final = 1024


@dataclass(frozen=True, slots=True)
class Searchable:
    """What stands beside a vector: enough to leave out what must not be found."""

    id: str
    expires_at: float | None
    facts: Metadata


def acceptance(metadata: Metadata, now: float, ids: set[str] | None) -> Callable[[Searchable], bool]:
    """Whether a row has not expired at ``now``, has the metadata, and is among the ids (``None`` is any)."""
    wanted = comparable(metadata).items()

    def accept(row: Searchable) -> bool:
        return (
            (row.expires_at is None or row.expires_at > now)
            and wanted <= row.facts.items()
            and (ids is None or row.id in ids)
        )

    return accept


class _Held:
    """The matrix of one collection as of one change."""

    def __init__(self, collection: Collection) -> None:
        self.number = collection.number
        self.changed = 0
        self.matrix: VectorMatrix[Searchable] = VectorMatrix(collection.dimension)

    def catch_up(self, database: sqlite3.Connection, collection: Collection) -> None:
        """Apply what changed since. Applying it twice does no harm, so that a failure midway does none either."""
        since = (collection.number, self.changed)
        self.matrix.remove(row[0] for row in database.execute(statements.SELECT_DELETIONS, since))
        facts_of: dict[str, Metadata] = {}
        changes = database.execute(statements.SELECT_CHANGES, since)
        while rows := changes.fetchmany(_ROWS_AT_A_TIME):
            self._put(rows, collection.dimension, facts_of)
        self.changed = collection.changed

    def _put(self, rows: list[Any], dimension: int, facts_of: dict[str, Metadata]) -> None:
        ids: list[str] = [row[0] for row in rows]
        vectors = to_vectors(ids, [row[3] for row in rows], dimension)
        searchable: list[Searchable] = []
        for entry_id, expires_at, facts, _ in rows:
            if facts not in facts_of:
                # entries of one scope share one mapping
                facts_of[facts] = to_metadata(facts, entry_id)
            searchable.append(Searchable(entry_id, expires_at, facts_of[facts]))
        self.matrix.put(ids, vectors, searchable)


class Matrices:
    """One matrix per collection, made when it is first searched; used on the connection's thread alone."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def up_to_date(self, database: sqlite3.Connection, collection: Collection) -> VectorMatrix[Searchable]:
        """The matrix as it is in the file now, whoever changed it."""
        held = self._held.get(collection.name)
        if held is None or held.number != collection.number or held.changed < collection.forgotten:
            held = self._held[collection.name] = _Held(collection)
        if held.changed != collection.changed:
            held.catch_up(database, collection)
        return held.matrix

    def forget(self, collection: str) -> None:
        """Free the matrix."""
        self._held.pop(collection, None)
