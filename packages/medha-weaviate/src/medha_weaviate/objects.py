"""Rows as objects of Weaviate, and back."""

from __future__ import annotations

import base64
import re
import sys
import uuid
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from weaviate.classes.data import DataObject

from medha.rows import ENTRY_FIELDS, VECTOR_FIELD, to_row, tokens_of
from medha.tallies import ENTRY, PLACE_FIELDS
from medha_weaviate.schema import ENGINE_NAMES, VECTOR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medha.models import CacheEntry
    from medha.tallies import Row

FOREVER: Final = sys.float_info.max
"""``lasts_until`` of what never expires."""
READ: Final = [*(ENGINE_NAMES.get(name, name) for name in ENTRY_FIELDS), *PLACE_FIELDS]
READ_WHOLE: Final = [*READ, "tokens", VECTOR_FIELD]
"""What it takes to store the object again as it was."""

_NAMESPACE: Final = uuid.UUID("b9f0dd13-0a8b-5f4e-9d60-6d6564686177")
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NIL: Final = str(uuid.UUID(int=0))
_OWN_NAMES: Final = {engine: name for name, engine in ENGINE_NAMES.items()}


def object_id(entry_id: str) -> str:
    """The UUID of the entry's object: its id where that is one, as Medha's are, else one made of it."""
    # a cursor begins at the nil UUID, and would pass it by
    if _UUID.fullmatch(entry_id) and entry_id != _NIL:
        return entry_id
    return str(uuid.uuid5(_NAMESPACE, entry_id))


def entry_row(entry: CacheEntry, revision: str) -> dict[str, Any]:
    """The row of an entry that is stored now."""
    return {
        **to_row(entry),
        "part": ENTRY,
        "owner": object_id(entry.id),
        "revision": revision,
        "rated": False,
        "tokens": tokens_of(entry),
    }


def to_object(key: str, row: Row) -> DataObject[Any, None]:
    """The object to send."""
    properties = {ENGINE_NAMES.get(name, name): value for name, value in row.items() if value is not None}
    expires_at = row.get("expires_at")
    properties["lasts_until"] = FOREVER if expires_at is None else expires_at
    bits = row.get(VECTOR_FIELD)
    if bits is None:
        return DataObject(properties=properties, uuid=key)
    return DataObject(
        properties=properties, uuid=key, vector={VECTOR: np.frombuffer(base64.b64decode(bits), dtype="<f4").tolist()}
    )


def size_of(row: Row) -> int:
    """About how many bytes the row takes on its way."""
    texts = sum(len(value.encode()) for value in row.values() if isinstance(value, str))
    return texts + sum(len(token.encode()) for token in row.get("tokens", ())) + 1000


def to_stored_row(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The row in the properties of an object."""
    return {_OWN_NAMES.get(name, name): value for name, value in properties.items()}
