"""Entries as rows, and vectors in the binary form of pgvector."""

from __future__ import annotations

import json
import math
import struct
from json.encoder import encode_basestring_ascii as _quoted
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from psycopg.adapt import Dumper
from psycopg.pq import Format

from medha.models import CacheEntry
from medha.rows import UnreadableRowError, flat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.models import Metadata, Scalar, Vector

_HEADER: Final = struct.Struct(">hh")
_ARRAY: Final = struct.Struct(">iiIii")
_STORED_FLOAT: Final = np.dtype(">f4")
_JSON_FLOATS_LOSE_THEIR_POINT_FROM: Final = 1e16


class Packed(bytes):
    """A vector as pgvector receives it."""


class PackedDumper(Dumper):
    """Sends it as it is; the statement says what type it is of."""

    format = Format.BINARY

    def dump(self, obj: Packed | Vectors) -> bytes | bytearray:
        """The bytes themselves."""
        return obj


class Vectors(bytearray):
    """An array of vectors as PostgreSQL receives it."""


class VectorsDumper(PackedDumper):
    """Sends it as it is too."""


def pack(vector: Vector | None) -> Packed:
    """One vector, bit for bit."""
    values = np.asarray(vector, dtype=_STORED_FLOAT)
    return Packed(_HEADER.pack(values.size, 0) + values.tobytes())


def pack_all(vectors: Sequence[Vector | None]) -> Vectors:
    """An array of vectors of one dimension, written where it is sent from: every copy would be of a megabyte."""
    rows = [np.asarray(vector, dtype=np.float32) for vector in vectors]
    count, dimension = len(rows), rows[0].size
    each = np.dtype([("size", ">i4"), ("dimension", ">i2"), ("unused", ">i2"), ("values", _STORED_FLOAT, dimension)])
    packed = Vectors(_ARRAY.size + count * each.itemsize)
    # one axis, no NULL among them, the type of each as the statement says it, how many, counted from 1
    _ARRAY.pack_into(packed, 0, 1, 0, 0, count, 1)
    elements = np.frombuffer(packed, each, offset=_ARRAY.size)
    elements["size"] = _HEADER.size + _STORED_FLOAT.itemsize * dimension
    elements["dimension"] = dimension
    np.stack(rows, out=elements["values"], casting="unsafe")
    return packed


def unpack(stored: bytes) -> Vector:
    """The vector that pgvector sent."""
    return np.frombuffer(stored, dtype=_STORED_FLOAT, offset=_HEADER.size).astype(np.float32)


def one_row(entry: CacheEntry) -> dict[str, Any]:
    """The values of ``statements.UPSERT_ONE``."""
    row = _columns_of(entry)
    row["vector"] = pack(entry.vector)
    return row


def many_rows(entries: Sequence[CacheEntry]) -> dict[str, Any]:
    """The values of ``statements.UPSERT_MANY``."""
    return {
        "rows": json.dumps([_columns_of(entry) for entry in entries]),
        "vectors": pack_all([entry.vector for entry in entries]),
    }


def _columns_of(entry: CacheEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "question": entry.question,
        "normalized_question": entry.normalized_question,
        "generated_query": entry.generated_query,
        "query_hash": entry.query_hash,
        "created_at": entry.created_at,
        "expires_at": entry.expires_at,
        "response_summary": entry.response_summary,
        "template_id": entry.template_id,
        "metadata": to_json(entry.metadata),
        "feedback_correct": entry.feedback_correct,
        "feedback_incorrect": entry.feedback_incorrect,
    }


def to_entry(row: Sequence[Any], vector: Vector | None = None) -> CacheEntry:
    """The entry in a row that begins with the columns of ``statements.COLUMNS``."""
    return CacheEntry(
        id=row[0],
        question=row[1],
        normalized_question=row[2],
        generated_query=row[3],
        query_hash=row[4],
        created_at=row[5],
        expires_at=row[6],
        response_summary=row[7],
        template_id=row[8],
        metadata=flat(row[9], row[0]),
        feedback_correct=row[10],
        feedback_incorrect=row[11],
        vector=vector,
    )


def to_entry_with_vector(row: Sequence[Any]) -> CacheEntry:
    """The same, from a row that ends with the vector."""
    return to_entry(row, unpack(row[-1]))


def to_entry_and_distance(row: Sequence[Any]) -> tuple[CacheEntry, float | None]:
    """The same, from a row that ends with a distance."""
    distance: float | None = row[-1]
    if distance is not None and math.isnan(distance):
        raise UnreadableRowError(row[0], "has a vector of length zero, which is close to nothing")
    return to_entry(row), distance


def to_json(metadata: Metadata) -> str:
    """The metadata as jsonb keeps it: numbers without exponents, and a float with its decimal point."""
    return "{" + ",".join([f"{_quoted(key)}:{_to_json(value)}" for key, value in metadata.items()]) + "}"


def _to_json(value: Scalar) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float) and abs(value) >= _JSON_FLOATS_LOSE_THEIR_POINT_FROM:
        return f"{int(value)}.0"
    return json.dumps(value)
