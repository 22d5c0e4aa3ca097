"""Entries as flat JSON rows, and conditions as tokens, for engines that keep documents."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from medha.models import NO_METADATA, CacheEntry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medha.models import Metadata, Scalar, Vector
    from medha.where import Where

_STORED_FLOAT: Final = np.dtype("<f4")
_UNIT_TOLERANCE: Final = 1e-3
_LONGEST_TOKEN: Final = 512
as_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""JSON without spaces; every text as it is. One encoder for all, where ``json.dumps`` makes one for each call."""

_TEXT: Final = (str,)
_NUMBER: Final = (float, int)
_MAY_BE_ABSENT: Final = type(None)
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "id": _TEXT,
    "question": _TEXT,
    "normalized_question": _TEXT,
    "generated_query": _TEXT,
    "query_hash": _TEXT,
    "created_at": _NUMBER,
    "expires_at": (*_NUMBER, _MAY_BE_ABSENT),
    "response_summary": (*_TEXT, _MAY_BE_ABSENT),
    "template_id": (*_TEXT, _MAY_BE_ABSENT),
    "metadata": _TEXT,
    "feedback_correct": (int,),
    "feedback_incorrect": (int,),
}
ENTRY_FIELDS: Final = tuple(_TYPES)
"""The fields of a row that an entry is made of, without its vector."""
VECTOR_FIELD: Final = "vector_bits"


class UnreadableRowError(Exception):
    """A stored row that cannot be an entry; raised where the server's name is not known."""

    def __init__(self, entry_id: object, why: str) -> None:
        super().__init__(f"the entry {entry_id!r} {why}")
        self.why = why


def to_row(entry: CacheEntry) -> dict[str, Any]:
    """The entry as texts, numbers and nulls; its vector, bit for bit, as base64 in the field ``vector_bits``."""
    row: dict[str, Any] = {name: getattr(entry, name) for name in ENTRY_FIELDS}
    # a text, so that no key in it ever means anything to the engine
    row["metadata"] = as_json(dict(entry.metadata)) if entry.metadata else "{}"
    row[VECTOR_FIELD] = base64.b64encode(np.asarray(entry.vector, dtype=_STORED_FLOAT).tobytes()).decode("ascii")
    return row


def from_row(row: Mapping[str, Any], entry_id: str | None = None) -> CacheEntry:
    """The entry in a row, with its vector where that was read.

    Raises:
        UnreadableRowError: it cannot be an entry; the message names it by ``entry_id``, or by the id in the row.
    """
    name_of_it = entry_id or row.get("id")
    for name, types in _TYPES.items():
        if type(row.get(name)) not in types:
            found = "nothing" if row.get(name) is None else f"a {type(row[name]).__name__}"
            raise UnreadableRowError(name_of_it, f"has {found} in the field {name!r}")
    vector = None if VECTOR_FIELD not in row else to_vector(row[VECTOR_FIELD], name_of_it)
    values = {name: row.get(name) for name in ENTRY_FIELDS} | {"metadata": to_metadata(row["metadata"], name_of_it)}
    return CacheEntry(**cast("Any", values), vector=vector)


def tokens_of(entry: CacheEntry) -> list[str]:
    """What of the entry conditions ask for: one text each, equal exactly when the values are the same."""
    tokens = [_token("question", entry.normalized_question), _token("query", entry.query_hash)]
    if entry.template_id is not None:
        tokens.append(_token("template", entry.template_id))
    tokens.extend(metadata_token(key, value) for key, value in entry.metadata.items())
    return tokens


def tokens_asked(where: Where) -> list[str]:
    """The tokens that an entry must have, all of them; ``ids`` and ``expired_at`` are not among them."""
    asked = {"question": where.normalized_question, "query": where.query_hash, "template": where.template_id}
    tokens = [_token(kind, value) for kind, value in asked.items() if value is not None]
    tokens.extend(metadata_token(key, value) for key, value in where.metadata.items())
    return tokens


def metadata_token(key: str, value: Scalar) -> str:
    """The token of one value of the metadata."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _token("metadata", key, value)


def _token(*parts: Scalar) -> str:
    # JSON tells texts, numbers and booleans apart; and its bracket at the end keeps what an engine would trim
    token = as_json(parts)
    if len(token) <= _LONGEST_TOKEN:
        return token
    return as_json([f"{parts[0]}#", hashlib.sha256(token.encode()).hexdigest()])


def to_metadata(stored: object, entry_id: object) -> Metadata:
    """The metadata in a JSON text."""
    if stored == "{}":
        return NO_METADATA
    try:
        metadata: object = json.loads(cast("str", stored))
    except (TypeError, ValueError) as exc:
        raise UnreadableRowError(entry_id, "has metadata that is not JSON") from exc
    return flat(metadata, entry_id)


def flat(metadata: object, entry_id: object) -> Metadata:
    """The metadata that an engine gives as an object."""
    if not isinstance(metadata, dict):
        raise UnreadableRowError(entry_id, "has metadata that is not a JSON object")
    values = cast("dict[str, Any]", metadata)
    if not all(isinstance(value, str | int | float) for value in values.values()):
        raise UnreadableRowError(entry_id, "has metadata that is not flat")
    return values or NO_METADATA


def to_vector(stored: object, entry_id: object) -> Vector:
    """The vector in a base64 text, bit for bit."""
    try:
        vector = np.frombuffer(base64.b64decode(cast("str", stored), validate=True), dtype=_STORED_FLOAT)
    except (TypeError, ValueError, binascii.Error) as exc:
        raise UnreadableRowError(entry_id, f"has a vector that is no base64 of float32 ({exc})") from exc
    # a part of a vector is shorter than the whole
    if not abs(float(np.linalg.norm(vector)) - 1.0) <= _UNIT_TOLERANCE:
        raise UnreadableRowError(entry_id, f"has a damaged vector: {vector.size} components that have not length 1")
    return vector.astype(np.float32)
