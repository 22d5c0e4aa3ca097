"""Entries as rows, and conditions as SQL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from medha import facts
from medha.errors import CollectionMismatchError
from medha.models import CacheEntry
from medha.rows import UnreadableRowError, as_json, to_metadata
from medha_sqlite import statements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medha.models import Metadata, Vectors
    from medha.where import Where

STORED_FLOAT: Final = np.dtype("<f4")


class Collection(NamedTuple):
    """A row of the table of collections.

    ``changed`` numbers the latest change; the deletions up to ``forgotten`` are no longer on record.
    """

    number: int
    name: str
    dimension: int
    model_name: str
    changed: int
    forgotten: int


def comparable(metadata: Metadata) -> dict[str, str]:
    """The metadata with texts for values: two texts are equal exactly when ``same_value`` holds."""
    return {key: facts.comparable(value) for key, value in metadata.items()}


def from_entry(entry: CacheEntry, collection: Collection, changed: int) -> tuple[Any, ...]:
    """The row of an entry, as ``statements.UPSERT`` takes it."""
    vector = np.asarray(entry.vector, dtype=STORED_FLOAT)
    if vector.shape != (collection.dimension,):
        raise CollectionMismatchError(
            f"the entry {entry.id!r} has a vector of shape {vector.shape}, and the collection {collection.name!r} "
            f"holds {collection.dimension} dimensions; was it dropped and made anew meanwhile? Initialize it again"
        )
    return (
        collection.number,
        changed,
        entry.id,
        entry.question,
        entry.normalized_question,
        entry.generated_query,
        entry.query_hash,
        entry.created_at,
        entry.expires_at,
        entry.response_summary,
        entry.template_id,
        _as_json(entry.metadata),
        _as_json(comparable(entry.metadata)),
        entry.feedback_correct,
        entry.feedback_incorrect,
        vector.tobytes(),
    )


def to_entry(row: tuple[Any, ...], dimension: int = 0) -> CacheEntry:
    """The entry in a row of ``statements.SELECT_ENTRIES`` or, with the vector last, of ``SELECT_PAGE_WITH_VECTORS``."""
    return CacheEntry(
        id=row[1],
        question=row[2],
        normalized_question=row[3],
        generated_query=row[4],
        query_hash=row[5],
        created_at=row[6],
        expires_at=row[7],
        response_summary=row[8],
        template_id=row[9],
        metadata=to_metadata(row[10], row[1]),
        feedback_correct=row[11],
        feedback_incorrect=row[12],
        vector=to_vectors([row[1]], [row[13]], dimension)[0] if len(row) > 13 else None,
    )


def to_vectors(ids: Sequence[str], stored: Sequence[bytes], dimension: int) -> Vectors:
    """The vectors in BLOBs, bit for bit, one in a row."""
    size = STORED_FLOAT.itemsize * dimension
    for entry_id, blob in zip(ids, stored, strict=True):
        if len(blob) != size:
            raise UnreadableRowError(entry_id, f"has a vector of {len(blob)} bytes, not of {dimension} float32")
    vectors = np.frombuffer(b"".join(stored), dtype=STORED_FLOAT).astype(np.float32).reshape(len(ids), dimension)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise UnreadableRowError(ids[int(finite.argmin())], "has a vector with values that are no numbers")
    return vectors


def condition(where: Where | None, collection: Collection) -> tuple[str, dict[str, Any]]:
    """What follows ``collection = :collection AND`` in a statement, and the values to bind."""
    values: dict[str, Any] = {"collection": collection.number}
    if where is None:
        return statements.ALL, values
    wanted = {
        # one JSON text binds any number of ids
        "ids": None if where.ids is None else json.dumps(list(where.ids)),
        "normalized_question": where.normalized_question,
        "query_hash": where.query_hash,
        "template_id": where.template_id,
        "expired_at": where.expired_at,
        "metadata": _as_json(comparable(where.metadata)) if where.metadata else None,
    }
    asked = {name: value for name, value in wanted.items() if value is not None}
    # a key that can be in a path of SQLite as it is
    plain = next((key for key in where.metadata if key.isascii() and key.isidentifier()), None)
    if plain is not None:
        asked["item"] = f"$.{plain}"
    names = [name for name in statements.CONDITIONS if name in asked]
    return " AND ".join([statements.ALL, *(statements.CONDITIONS[name] for name in names)]), values | asked


def _as_json(values: Mapping[str, Any]) -> str:
    return as_json(dict(values)) if values else "{}"
