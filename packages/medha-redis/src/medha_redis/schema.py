"""The stored form: names of keys, entries as fields of a hash, conditions as tokens."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from medha.errors import CollectionMismatchError
from medha.facts import comparable
from medha.models import NO_METADATA, CacheEntry
from medha.rows import UnreadableRowError, flat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medha.models import Scalar, Vector
    from medha.where import Where

STORED_FLOAT: Final = np.dtype("<f4")
NEVER: Final = b"inf"
ENTRY_MARK: Final = "}:entry:"
"""What stands before the id in the key of an entry, and never before that: it follows the first closing brace."""
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_LENGTH: Final = Struct("<I")
_CHUNK_ENTRIES: Final = 250
_CHUNK_BYTES: Final = 4_000_000
_TEXTS: Final = ("question", "normalized_question", "generated_query", "query_hash")
_OPTIONAL_TEXTS: Final = ("response_summary", "template_id")


@dataclass(frozen=True, slots=True)
class Names:
    """The keys of one collection; the braces keep them in one slot of a cluster."""

    about: str
    order: str
    expiry: str
    vectors: str
    index: str
    entries: str

    @property
    def keys(self) -> tuple[int | str, ...]:
        """Their number and the keys themselves, as EVAL takes them."""
        return 4, self.about, self.order, self.expiry, self.vectors


@functools.lru_cache(maxsize=1024)
def names_of(prefix: str, collection: str) -> Names:
    """The keys of the collection: a hash, since any text may be a collection's name."""
    start = f"{prefix}{{{digest(collection)}"
    base = f"{start}}}"
    return Names(base, f"{base}:order", f"{base}:expiry", f"{base}:vectors", f"{base}:index", start + ENTRY_MARK)


def digest(text: str) -> str:
    """40 hexadecimal digits that stand for the text, and need no escaping anywhere."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def tokens(where: Where) -> list[str]:
    """One token for each condition that a token can answer: all but ``ids`` and ``expired_at``."""
    asked = {"q": where.normalized_question, "h": where.query_hash, "t": where.template_id}
    found = [digest(kind + text) for kind, text in asked.items() if text is not None]
    return [*found, *(_metadata_token(key, value) for key, value in where.metadata.items())]


def _tokens_of(entry: CacheEntry) -> str:
    found = [digest("q" + entry.normalized_question), digest("h" + entry.query_hash)]
    if entry.template_id is not None:
        found.append(digest("t" + entry.template_id))
    found += [_metadata_token(key, value) for key, value in entry.metadata.items()]
    return ",".join(found)


def _metadata_token(key: str, value: Scalar) -> str:
    return digest(f"m{len(key)}:{key}{comparable(value)}")


def to_chunks(entries: Sequence[CacheEntry], dimension: int) -> Iterator[bytes]:
    """The entries as the arguments of ``scripts.STORE``: each field behind its length, many entries in one argument."""
    parts: list[bytes] = []
    count = size = 0
    for entry in entries:
        for field in _fields(entry, dimension):
            parts += (_LENGTH.pack(len(field)), field)
            size += len(field)
        count += 1
        if count == _CHUNK_ENTRIES or size >= _CHUNK_BYTES:
            yield b"".join(parts)
            parts, count, size = [], 0, 0
    if parts:
        yield b"".join(parts)


def _fields(entry: CacheEntry, dimension: int) -> tuple[bytes, ...]:
    vector = to_bytes(cast("Vector", entry.vector))
    if len(vector) != dimension * STORED_FLOAT.itemsize:
        raise CollectionMismatchError(
            f"the entry {entry.id!r} has a vector of {len(vector) // STORED_FLOAT.itemsize} dimensions, and another "
            f"one of the same batch has {dimension}; nothing was stored. Embed them with one model"
        )
    return (
        entry.id.encode(),
        _as_json(entry).encode(),
        _tokens_of(entry).encode(),
        NEVER if entry.expires_at is None else repr(float(entry.expires_at)).encode(),
        b"%d" % entry.feedback_correct,
        b"%d" % entry.feedback_incorrect,
        vector,
    )


def to_bytes(vector: Vector) -> bytes:
    """The vector's float32 components, bit for bit."""
    return np.asarray(vector, dtype=STORED_FLOAT).tobytes()


def _as_json(entry: CacheEntry) -> str:
    values: dict[str, Any] = {name: getattr(entry, name) for name in _TEXTS}
    values |= {"created_at": entry.created_at, "expires_at": entry.expires_at}
    values |= {name: text for name in _OPTIONAL_TEXTS if (text := getattr(entry, name)) is not None}
    if entry.metadata:
        values["metadata"] = dict(entry.metadata)
    return _ENCODER.encode(values)


def to_entry(
    entry_id: str, stored: Any, correct: Any, incorrect: Any, vector: Any = None, *, dimension: int | None = None
) -> CacheEntry:
    """The entry in these fields of a hash; with a dimension, the vector too.

    Raises:
        UnreadableRowError: they are not what ``to_chunks`` wrote.
    """
    if stored is None:
        raise UnreadableRowError(entry_id, "has no field 'entry'")
    try:
        values: dict[str, Any] = json.loads(stored)
        entry = CacheEntry(
            id=entry_id,
            question=values["question"],
            normalized_question=values["normalized_question"],
            generated_query=values["generated_query"],
            query_hash=values["query_hash"],
            created_at=values["created_at"],
            expires_at=values["expires_at"],
            response_summary=values.get("response_summary"),
            template_id=values.get("template_id"),
            metadata=flat(values["metadata"], entry_id) if "metadata" in values else NO_METADATA,
            feedback_correct=int(correct),
            feedback_incorrect=int(incorrect),
            vector=None if dimension is None else _to_vector(entry_id, vector, dimension),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise UnreadableRowError(entry_id, f"is not what Medha wrote ({type(exc).__name__}: {exc})") from exc
    _refuse_other_types(entry)
    return entry


def _refuse_other_types(entry: CacheEntry) -> None:
    texts_are_texts = all(type(getattr(entry, name)) is str for name in _TEXTS)
    optional = all(isinstance(getattr(entry, name), str | None) for name in _OPTIONAL_TEXTS)
    times = isinstance(entry.created_at, float | int) and isinstance(entry.expires_at, float | int | None)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not (texts_are_texts and optional and times):
        raise UnreadableRowError(entry.id, "has a field of another type than Medha wrote")


def _to_vector(entry_id: str, stored: Any, dimension: int) -> Vector:
    size = STORED_FLOAT.itemsize * dimension
    if stored is None or len(stored) != size:
        length = 0 if stored is None else len(stored)
        raise UnreadableRowError(entry_id, f"has a vector of {length} bytes, not of {dimension} float32")
    vector = np.frombuffer(stored, dtype=STORED_FLOAT).astype(np.float32)
    if not np.isfinite(vector).all():
        raise UnreadableRowError(entry_id, "has a vector with values that are no numbers")
    return vector
