"""Entries as points of Qdrant, and back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from qdrant_client import grpc, models
from qdrant_client.conversions.conversion import RestToGrpc

from medha.errors import BackendWriteError, CollectionMismatchError, CorruptEntryError
from medha.models import CacheEntry
from medha.rows import UnreadableRowError, as_json, to_metadata
from medha_qdrant.queries import EXPIRES_HIGH, EXPIRES_LOW, FACTS, REVISION, facts, instant, is_point_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.models import Vector, Vectors

ENTRY_FIELDS: Final = models.PayloadSelectorExclude(exclude=[FACTS, EXPIRES_HIGH, EXPIRES_LOW])
"""Which payload to ask for: the rest is there for filters alone."""


def to_batch(_name: str, entries: Sequence[CacheEntry], revision: str) -> models.Batch:
    """The points of entries, for REST and for the engine in this process."""
    vectors = _vectors(entries)
    # not validated a second time, value by value
    return models.Batch.model_construct(
        ids=[entry.id for entry in entries],
        vectors=vectors.tolist(),
        payloads=[_payload(entry, revision) for entry in entries],
    )


def to_request(name: str, entries: Sequence[CacheEntry], revision: str) -> grpc.UpsertPoints:
    """The points of entries, for gRPC: the driver's own conversion would take twice as long, on the event loop."""
    vectors = _vectors(entries)
    points = [
        grpc.PointStruct(
            id=grpc.PointId(uuid=entry.id),
            vectors=grpc.Vectors(vector=grpc.Vector(data=vector)),
            payload=RestToGrpc.convert_payload(_payload(entry, revision)),
        )
        for entry, vector in zip(entries, vectors.tolist(), strict=True)
    ]
    return grpc.UpsertPoints(collection_name=name, wait=True, points=points)


def _vectors(entries: Sequence[CacheEntry]) -> Vectors:
    for entry in entries:
        if not is_point_id(entry.id):
            raise BackendWriteError(
                f"the id {entry.id!r} is no UUID in lower case, which Qdrant needs; nothing of this call was stored"
            )
    shapes = {np.shape(cast("Vector", entry.vector)) for entry in entries}
    if len(shapes) > 1:
        # Qdrant would store those before the first that does not fit
        raise CollectionMismatchError(
            f"the entries have vectors of different shapes ({sorted(shapes)}); nothing of this call was stored"
        )
    return np.asarray([entry.vector for entry in entries], dtype=np.float32)


def _payload(entry: CacheEntry, revision: str) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "question": entry.question,
        "normalized_question": entry.normalized_question,
        "generated_query": entry.generated_query,
        "query_hash": entry.query_hash,
        # texts keep every bit of a float, the type of a number and any key; payload numbers and paths do not
        "created_at": repr(float(entry.created_at)),
        "metadata": as_json(dict(entry.metadata)),
        "feedback_correct": entry.feedback_correct,
        "feedback_incorrect": entry.feedback_incorrect,
        REVISION: revision,
        FACTS: facts(
            normalized_question=entry.normalized_question,
            query_hash=entry.query_hash,
            template_id=entry.template_id,
            metadata=entry.metadata,
        ),
    }
    if entry.expires_at is not None:
        payload["expires_at"] = repr(float(entry.expires_at))
        payload[EXPIRES_HIGH], payload[EXPIRES_LOW] = instant(entry.expires_at)
    if entry.response_summary is not None:
        payload["response_summary"] = entry.response_summary
    if entry.template_id is not None:
        payload["template_id"] = entry.template_id
    return payload


def to_entry(point: models.Record | models.ScoredPoint, source: str, *, with_vector: bool = False) -> CacheEntry:
    """The entry in a point; ``source`` is where it was read, for the error."""
    payload: dict[str, Any] = point.payload or {}
    try:
        expires_at = _text_or_none(payload, "expires_at")
        return CacheEntry(
            id=str(point.id),
            question=_text(payload, "question"),
            normalized_question=_text(payload, "normalized_question"),
            generated_query=_text(payload, "generated_query"),
            query_hash=_text(payload, "query_hash"),
            created_at=_seconds(_text(payload, "created_at")),
            expires_at=None if expires_at is None else _seconds(expires_at),
            response_summary=_text_or_none(payload, "response_summary"),
            template_id=_text_or_none(payload, "template_id"),
            metadata=to_metadata(_text(payload, "metadata"), point.id),
            feedback_correct=_count(payload, "feedback_correct"),
            feedback_incorrect=_count(payload, "feedback_incorrect"),
            vector=_vector(point.vector) if with_vector else None,
        )
    except (KeyError, TypeError, ValueError, UnreadableRowError) as exc:
        raise unreadable(point, source, exc) from exc


def unreadable(point: models.Record | models.ScoredPoint, source: str, exc: Exception) -> CorruptEntryError:
    """The error for a point that cannot be an entry."""
    why = f"its payload has no field {exc}" if isinstance(exc, KeyError) else getattr(exc, "why", exc)
    return CorruptEntryError(
        f"the entry {str(point.id)!r} of {source} cannot be read: {why}. Another program has changed it: delete it by "
        "its id (which does not read it) and store its question again"
    )


def counters(payload: dict[str, Any]) -> tuple[int, int]:
    """The two feedback counters in a payload."""
    return _count(payload, "feedback_correct"), _count(payload, "feedback_incorrect")


def _text(payload: dict[str, Any], field: str) -> str:
    value = payload[field]
    if not isinstance(value, str):
        raise TypeError(f"its field {field!r} holds a {type(value).__name__}, not a text")
    return value


def _text_or_none(payload: dict[str, Any], field: str) -> str | None:
    return None if payload.get(field) is None else _text(payload, field)


def _seconds(stored: str) -> float:
    seconds = float(stored)
    if not math.isfinite(seconds):
        raise ValueError(f"{stored!r} is no instant")
    return seconds


def _count(payload: dict[str, Any], field: str) -> int:
    value = payload[field]
    if type(value) is not int:
        raise TypeError(f"its field {field!r} holds a {type(value).__name__}, not a whole number")
    return value


def _vector(stored: Any) -> Vector:
    vector = np.asarray(stored, dtype=np.float32)
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise TypeError("its vector is not a row of numbers")
    return vector
