"""Rows as documents of the index, and back."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from medha.rows import VECTOR_FIELD, UnreadableRowError, as_json, to_row, tokens_of
from medha.tallies import ENTRY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medha.models import CacheEntry
    from medha.tallies import Row, Tally

READ: Final = [
    "key", "part", "owner", "version", "rated", "revision", "writer", "feedback_correct", "feedback_incorrect", "entry",
]  # fmt: skip
READ_WHOLE: Final = [*READ, "tokens", "expires_at", VECTOR_FIELD]
"""What it takes to store the document again as it was."""
READ_PLACES: Final = ["key", "version", "rated"]

_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,199}")


def key_of(entry_id: str) -> str:
    """The key of the entry's document: its id where that is one, as Medha's are, else one made of it."""
    if _KEY.fullmatch(entry_id):
        return entry_id
    # a key that begins so is no id, for those do not
    return "=" + base64.urlsafe_b64encode(hashlib.sha256(entry_id.encode()).digest()).decode("ascii").rstrip("=")


def entry_document(entry: CacheEntry, version: str) -> dict[str, Any]:
    """The document of an entry that is stored now, but for its vector, which ``encoded`` adds."""
    row = to_row(entry)
    bits = row.pop(VECTOR_FIELD)
    return {
        "key": key_of(entry.id),
        "part": ENTRY,
        "owner": key_of(entry.id),
        "version": version,
        "revision": version,
        "rated": False,
        "tokens": tokens_of(entry),
        "expires_at": entry.expires_at,
        # as one text, so that no number in it loses a digit and no key in it means anything to the service
        "entry": as_json(row),
        VECTOR_FIELD: bits,
    }


def tally_document(tally: Tally, version: str) -> dict[str, Any]:
    """The document of a tally."""
    return {**tally.row, "key": tally.key, "version": version}


def encoded(action: Mapping[str, Any]) -> bytes:
    """The action as it goes over the wire: with its vector, and characters that are not ASCII as they are."""
    bits = action.get(VECTOR_FIELD)
    whole = action if bits is None else {**action, "vector": _numbers(bits)}
    return as_json(whole).encode()


def _numbers(bits: str) -> list[float]:
    """The numbers of a vector, as near as JSON comes to float32."""
    return np.frombuffer(base64.b64decode(bits), dtype="<f4").tolist()


def to_stored_row(document: Mapping[str, Any]) -> Row:
    """The row in a document."""
    if document.get("part") != ENTRY:
        return document
    try:
        entry: object = json.loads(document["entry"])
    except (TypeError, ValueError) as exc:
        raise UnreadableRowError(document["key"], "is not JSON") from exc
    if not isinstance(entry, dict):
        raise UnreadableRowError(document["key"], "is not a JSON object")
    return {**document, **cast("dict[str, Any]", entry)}
