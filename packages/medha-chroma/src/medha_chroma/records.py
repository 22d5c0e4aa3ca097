"""Entries as records of Chroma, and back."""

from __future__ import annotations

import json
import math
import secrets
import zlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np

from medha.errors import CollectionMismatchError, CorruptEntryError
from medha.facts import facts, instant, place
from medha.models import NO_METADATA, CacheEntry
from medha.rows import as_json
from medha_chroma.queries import EXPIRES, FACTS, PLACE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medha.models import Metadata, Vector

REVISION: Final = "revision"
DETAILS: Final = "details"
CHECKSUM: Final = "vector_crc32"
_FEEDBACK: Final = "feedback"


class Record(NamedTuple):
    """What Chroma returns of one entry."""

    id: str
    fields: Mapping[str, Any]
    vector: Any = None


class Tally(NamedTuple):
    """The two counters, and what one writer has added to them since the entry was stored."""

    counters: tuple[int, int]
    own: tuple[int, int]


def to_request(entries: Sequence[CacheEntry]) -> dict[str, Any]:
    """What ``upsert`` takes; each entry gets a new revision, on which no earlier feedback counts."""
    shapes = {np.shape(cast("Vector", entry.vector)) for entry in entries}
    if len(shapes) > 1:
        raise CollectionMismatchError(
            f"the entries have vectors of different shapes ({sorted(shapes)}); nothing of this call was stored"
        )
    revision = secrets.token_hex(6)
    return {
        "ids": [entry.id for entry in entries],
        "embeddings": np.asarray([entry.vector for entry in entries], dtype=np.float32),
        "metadatas": [_fields(entry, revision) for entry in entries],
    }


def _fields(entry: CacheEntry, revision: str) -> dict[str, Any]:
    # always the same fields: Chroma keeps those of an earlier version that a new one does not have
    details = {
        "created_at": entry.created_at,
        "expires_at": entry.expires_at,
        "response_summary": entry.response_summary,
        "template_id": entry.template_id,
        "metadata": dict(entry.metadata),
        "feedback": [entry.feedback_correct, entry.feedback_incorrect],
    }
    return {
        "question": entry.question,
        "normalized_question": entry.normalized_question,
        "generated_query": entry.generated_query,
        "query_hash": entry.query_hash,
        # a JSON text keeps every bit of a float, the type of a number and any key; the engine's fields do not
        DETAILS: as_json(details),
        FACTS: facts(
            normalized_question=entry.normalized_question,
            query_hash=entry.query_hash,
            template_id=entry.template_id,
            metadata=entry.metadata,
        ),
        EXPIRES: instant(entry.expires_at),
        PLACE: place(entry.id),
        CHECKSUM: _checksum(cast("Vector", entry.vector)),
        REVISION: revision,
    }


def to_entry(record: Record, source: str, *, with_vector: bool = False) -> CacheEntry:
    """The entry in a record; ``source`` is where it was read, for the error."""
    try:
        details = _details(record)
        correct, incorrect = _tally(record, details, "").counters
        return CacheEntry(
            id=record.id,
            question=_text(record.fields, "question"),
            normalized_question=_text(record.fields, "normalized_question"),
            generated_query=_text(record.fields, "generated_query"),
            query_hash=_text(record.fields, "query_hash"),
            created_at=_seconds(details["created_at"]),
            expires_at=None if details["expires_at"] is None else _seconds(details["expires_at"]),
            response_summary=_text_or_none(details, "response_summary"),
            template_id=_text_or_none(details, "template_id"),
            metadata=_metadata(details["metadata"]),
            feedback_correct=correct,
            feedback_incorrect=incorrect,
            vector=_vector(record) if with_vector else None,
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise unreadable(record, source, exc) from exc


def tally(record: Record, source: str, writer: str) -> Tally:
    """What was counted for the entry, and by this writer."""
    try:
        return _tally(record, _details(record), writer)
    except (KeyError, TypeError, ValueError) as exc:
        raise unreadable(record, source, exc) from exc


def counted(record: Record, writer: str, added: tuple[int, int]) -> dict[str, Any]:
    """The fields to write so that this writer has added so much; what was counted for earlier versions goes."""
    current = f"{_FEEDBACK}_{record.fields[REVISION]}_"
    stale = [name for name in record.fields if name.startswith(f"{_FEEDBACK}_") and not name.startswith(current)]
    return {**dict.fromkeys(stale), f"{current}{writer}": f"{added[0]} {added[1]}"}


def unreadable(record: Record, source: str, exc: Exception) -> CorruptEntryError:
    """The error for a record that cannot be an entry."""
    why = f"it has no field {exc}" if isinstance(exc, KeyError) else str(exc)
    return CorruptEntryError(
        f"the entry {record.id!r} of {source} cannot be read: {why}. Another program has changed it: delete it by its "
        "id (which does not read it) and store its question again"
    )


def _details(record: Record) -> dict[str, Any]:
    details: Any = json.loads(_text(record.fields, DETAILS))
    if not isinstance(details, dict):
        raise TypeError(f"its field {DETAILS!r} is not a JSON object")
    return cast("dict[str, Any]", details)


def _tally(record: Record, details: dict[str, Any], writer: str) -> Tally:
    correct, incorrect = (_count(value) for value in cast("list[Any]", details["feedback"]))
    own = (0, 0)
    current = f"{_FEEDBACK}_{_text(record.fields, REVISION)}_"
    for name in record.fields:
        if name.startswith(current):
            more, less = (int(part) for part in _text(record.fields, name).split())
            correct, incorrect = correct + more, incorrect + less
            if name == f"{current}{writer}":
                own = (more, less)
    return Tally((correct, incorrect), own)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise TypeError(f"its field {name!r} holds a {type(value).__name__}, not a text")
    return value


def _text_or_none(fields: Mapping[str, Any], name: str) -> str | None:
    return None if fields[name] is None else _text(fields, name)


def _seconds(value: Any) -> float:
    if type(value) not in {int, float} or not math.isfinite(value):
        raise TypeError(f"{value!r} is no instant")
    return value


def _count(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"a counter holds a {type(value).__name__}, not a whole number")
    return value


def _metadata(metadata: Any) -> Metadata:
    if not isinstance(metadata, dict):
        raise TypeError("its metadata is not a JSON object")
    values = cast("dict[str, Any]", metadata)
    if not all(isinstance(value, str | int | float) for value in values.values()):
        raise TypeError("its metadata is not flat")
    return values or NO_METADATA


def fits(record: Record) -> bool:
    """Whether the vector is the one that was stored with the fields: Chroma keeps the two in different files."""
    return record.fields.get(CHECKSUM) == _checksum(record.vector)


def _vector(record: Record) -> Vector:
    if not fits(record):
        raise ValueError("its vector is not the one that it was stored with")
    return np.array(record.vector, dtype=np.float32)


def _checksum(vector: Any) -> int:
    return zlib.crc32(np.asarray(vector, dtype="<f4").tobytes())
