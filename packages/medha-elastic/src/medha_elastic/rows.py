"""Entries as documents of the index."""

from __future__ import annotations

import base64
import functools
import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from medha.models import CacheEntry
from medha.rows import UnreadableRowError, to_metadata, to_vector
from medha_elastic.queries import tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNREAD: Final = ("vector", "vector_bits", "tokens")
"""What of a document is not sent back."""
UNREAD_WITH_VECTORS: Final = ("vector", "tokens")

_STORED_FLOAT: Final = np.dtype("<f4")


def store_line(entry: CacheEntry) -> bytes:
    """The two lines of a bulk request that store the entry.

    The vector stands there twice: for the index as numbers of seven digits, and bit for bit, since the index keeps it
    normalised and later versions of Elasticsearch take it out of the document.
    """
    vector = np.asarray(entry.vector, dtype=_STORED_FLOAT)
    row = {
        "id": entry.id,
        "question": entry.question,
        "normalized_question": entry.normalized_question,
        "generated_query": entry.generated_query,
        "query_hash": entry.query_hash,
        "created_at": entry.created_at,
        "expires_at": entry.expires_at,
        "response_summary": entry.response_summary,
        "template_id": entry.template_id,
        # a text, so that no key in it ever means anything to the engine
        "metadata": _as_json(dict(entry.metadata)) if entry.metadata else "{}",
        "feedback_correct": entry.feedback_correct,
        "feedback_incorrect": entry.feedback_incorrect,
        "tokens": tokens_of(entry),
        "vector_bits": base64.b64encode(vector.tobytes()).decode("ascii"),
    }
    numbers = _array_of(vector.size) % tuple(vector.tolist())
    text = f'{{"index":{{"_id":{_as_json(entry.id)}}}}}\n{_as_json(row)[:-1]},"vector":{numbers}}}\n'
    return text.encode()


def delete_line(entry_id: str) -> bytes:
    """The line of a bulk request that removes the entry."""
    return f'{{"delete":{{"_id":{_as_json(entry_id)}}}}}\n'.encode()


def in_requests(lines: Iterable[bytes], max_bytes: int) -> list[bytes]:
    """The lines, put together to as few bodies as there must be; a line that is too long stands alone."""
    bodies: list[bytes] = []
    body = bytearray()
    for line in lines:
        if body and len(body) + len(line) > max_bytes:
            bodies.append(bytes(body))
            body = bytearray()
        body += line
    return [*bodies, bytes(body)] if body else bodies


def to_entry(document: Mapping[str, Any]) -> CacheEntry:
    """The entry in a document, with its vector where that was read."""
    entry_id: str = document["_id"]
    row: Mapping[str, Any] = document.get("_source") or {}
    try:
        entry = CacheEntry(
            id=entry_id,
            question=row["question"],
            normalized_question=row["normalized_question"],
            generated_query=row["generated_query"],
            query_hash=row["query_hash"],
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            response_summary=row["response_summary"],
            template_id=row["template_id"],
            metadata=to_metadata(row["metadata"], entry_id),
            feedback_correct=row["feedback_correct"],
            feedback_incorrect=row["feedback_incorrect"],
            vector=to_vector(row["vector_bits"], entry_id) if "vector_bits" in row else None,
        )
    except KeyError as exc:
        raise UnreadableRowError(entry_id, f"lacks the field {exc}") from exc
    for name, types in _TYPES.items():
        if type(row[name]) not in types:
            raise UnreadableRowError(entry_id, f"has a {type(row[name]).__name__} in the field {name!r}")
    return entry


_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "question": (str,),
    "normalized_question": (str,),
    "generated_query": (str,),
    "query_hash": (str,),
    "created_at": (float, int),
    "expires_at": (float, int, type(None)),
    "response_summary": (str, type(None)),
    "template_id": (str, type(None)),
    "feedback_correct": (int,),
    "feedback_incorrect": (int,),
}


@functools.cache
def _array_of(dimension: int) -> str:
    # seven digits are as near as float32 arithmetic comes; this is three times as fast as a JSON encoder
    return "[" + ",".join(["%.7g"] * dimension) + "]"


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
