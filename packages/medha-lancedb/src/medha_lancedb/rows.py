"""Entries as rows of a Lance table, and back."""

from __future__ import annotations

import json
import math
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from medha.errors import BackendError, BackendWriteError, CollectionMismatchError, CorruptEntryError
from medha.facts import facts, instant
from medha.models import NO_METADATA, CacheEntry, CollectionSpec
from medha.rows import as_json
from medha_lancedb.arrow import pa

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medha.models import Metadata, Vector
    from medha_lancedb.arrow import Rows, Schema
    from medha_lancedb.drafts import Draft

VECTOR: Final = "vector"
FORMAT: Final = 2
"""Of the columns. The first one had no ``metadata_facts``; there it is among ``facts``, and the number is not said."""
FACTS: Final = "facts"
METADATA_FACTS: Final = "metadata_facts"
_TEXTS: Final = ("id", "question", "normalized_question", "generated_query", "query_hash", "metadata")
_TEXTS_OR_NONE: Final = ("response_summary", "template_id")
COUNTERS: Final = ("feedback_correct", "feedback_incorrect")
ENTRY_COLUMNS: Final = (*_TEXTS, *_TEXTS_OR_NONE, *COUNTERS, "created_at", "expires_at")
"""What an entry is read from; the others are there for conditions alone."""
_NEEDED: Final = (*_TEXTS, *COUNTERS, "created_at")
_needed: Final = itemgetter(*_NEEDED)


def schema(collection: str, spec: CollectionSpec) -> Schema:
    """The table of a new collection."""
    described = {
        "format": FORMAT,
        "collection": collection,
        "dimension": spec.dimension,
        "model_name": spec.model_name,
    }
    return pa.schema(
        [
            # so that two processes which store one new id at once do not both add it
            pa.field("id", pa.string(), nullable=False, metadata={"lance-schema:unenforced-primary-key": "true"}),
            *(pa.field(name, pa.string()) for name in _TEXTS[1:]),
            *(pa.field(name, pa.string()) for name in _TEXTS_OR_NONE),
            *(pa.field(name, pa.int64()) for name in COUNTERS),
            pa.field("created_at", pa.float64()),
            pa.field("expires_at", pa.float64()),
            pa.field("place", pa.int64()),
            pa.field("expires", pa.int64()),
            # hashes: trying to make them smaller takes as long as writing all the rest, and fails
            pa.field(FACTS, pa.list_(pa.field("item", pa.string(), metadata={"lance-encoding:compression": "none"}))),
            # those that many rows share: apart from the others they are small, and soon looked through
            pa.field(METADATA_FACTS, pa.list_(pa.string())),
            pa.field(VECTOR, pa.list_(pa.float32(), spec.dimension)),
        ],
        metadata={"medha": json.dumps(described)},
    )


def is_early(table: Schema) -> bool:
    """Whether the table is of the first format, without a column for the facts of metadata."""
    return METADATA_FACTS not in table.names


def spec_of(stored: Schema, doing: str) -> CollectionSpec:
    """What the table was made for."""
    try:
        metadata: dict[bytes, bytes] = stored.metadata or {}
        described = json.loads(metadata[b"medha"])
        form = int(described.get("format", 1))
        spec = CollectionSpec(dimension=int(described["dimension"]), model_name=str(described["model_name"]))
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise BackendError(
            f"{doing}: the table does not say which model it was made for. Another tool has made it, or changed its "
            "metadata: restore them, or drop the collection"
        ) from exc
    if form > FORMAT:
        raise BackendError(
            f"{doing}: a newer medha-lancedb has made the table (format {form}; this one knows up to {FORMAT}). Try: "
            "pip install --upgrade medha-lancedb"
        )
    return spec


def to_table(drafted: Draft, table: Schema, source: str) -> Rows:
    """The rows of the entries."""
    dimension: int = table.field(VECTOR).type.list_size
    try:
        columns = _columns(drafted, apart=not is_early(table))
        columns[VECTOR] = pa.FixedSizeListArray.from_arrays(pa.array(np.concatenate(drafted.vectors)), dimension)
        return pa.table({field.name: columns[field.name] for field in table}, schema=table)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as exc:
        raise BackendWriteError(f"Lance refused the values for {source}; nothing was stored ({exc})") from exc


def _columns(drafted: Draft, *, apart: bool) -> dict[str, Any]:
    """All but the vectors; ``apart`` says that the table has a column for the facts of metadata."""
    entries = drafted.entries
    columns: dict[str, Any] = {
        name: [getattr(entry, name) for entry in entries] for name in ENTRY_COLUMNS if name != "metadata"
    }
    columns["metadata"] = [metadata_text(entry) for entry in entries]
    columns["place"] = drafted.places
    columns["expires"] = [instant(entry.expires_at) for entry in entries]
    columns[METADATA_FACTS] = [facts(metadata=entry.metadata) for entry in entries]
    columns[FACTS] = [
        facts(
            normalized_question=entry.normalized_question,
            query_hash=entry.query_hash,
            template_id=entry.template_id,
            metadata=NO_METADATA if apart else entry.metadata,
        )
        for entry in entries
    ]
    return columns


def checked_vector(entry: CacheEntry, dimension: int, source: str) -> Vector:
    """The vector of the entry, which must fit the collection."""
    shape = np.shape(cast("Any", entry.vector))
    if shape != (dimension,):
        raise CollectionMismatchError(
            f"the entry {entry.id!r} has a vector of shape {shape}, and {source} holds {dimension} dimensions; was it "
            "dropped and made anew meanwhile? Initialize it again"
        )
    return np.ascontiguousarray(entry.vector, dtype=np.float32)


def metadata_text(entry: CacheEntry) -> str:
    """The metadata as JSON, which keeps every key and type."""
    return as_json(dict(entry.metadata)) if entry.metadata else "{}"


def to_entries(found: Rows, source: str) -> list[CacheEntry]:
    """The entries in rows, with their vectors if they were read."""
    rows: list[dict[str, Any]] = found.select(list(ENTRY_COLUMNS)).to_pylist()
    vectors = _vectors(found.column(VECTOR)) if VECTOR in found.column_names else [None] * len(rows)
    return [to_entry(row, vector, source) for row, vector in zip(rows, vectors, strict=True)]


def _vectors(column: Any) -> list[Any]:
    if column.null_count:
        return column.to_pylist()
    joined = column.combine_chunks()
    width = column.type.list_size
    # flatten, unlike values, keeps to the rows of a slice
    return list(np.array(joined.flatten(), dtype=np.float32).reshape(-1, width))


def to_entry(row: Mapping[str, Any], vector: Any, source: str) -> CacheEntry:
    """The entry in a row."""
    try:
        _check(row, vector)
        fields: dict[str, Any] = {**row, "metadata": _metadata(row["metadata"]), "vector": vector}
        return CacheEntry(**fields)
    except (TypeError, ValueError) as exc:
        raise unreadable(row["id"], source, exc) from exc


def unreadable(entry_id: str, source: str, why: Exception) -> CorruptEntryError:
    """What is said of a damaged row."""
    return CorruptEntryError(
        f"the entry {entry_id!r} of {source} cannot be read: {why}. Another program has changed it: delete it by its "
        "id (which does not read it) and store its question again"
    )


def _check(row: Mapping[str, Any], vector: Any) -> None:
    if None in _needed(row):
        missing = [name for name in _NEEDED if row[name] is None]
        raise ValueError(f"it has no {' and no '.join(missing)}")
    expires_at = row["expires_at"]
    if not (math.isfinite(row["created_at"]) and (expires_at is None or math.isfinite(expires_at))):
        raise ValueError("one of its instants is none")
    if vector is not None and not np.isfinite(np.asarray(vector, dtype=np.float32)).all():
        raise ValueError("its vector is not a row of numbers")


def _metadata(stored: str) -> Metadata:
    if stored == "{}":
        return NO_METADATA
    metadata: Any = json.loads(stored)
    if not isinstance(metadata, dict):
        raise TypeError("its metadata is not a JSON object")
    values = cast("dict[str, Any]", metadata)
    if not all(isinstance(value, str | int | float) for value in values.values()):
        raise TypeError("its metadata is not flat")
    return values
