import base64
import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np

from medha import CacheEntry, CollectionSpec


@dataclass(frozen=True)
class Shelf:
    """One collection, as it is held and as it is stored."""

    spec: CollectionSpec
    entries: dict[str, CacheEntry]


def file_name(collection: str) -> str:
    return hashlib.sha256(collection.encode()).hexdigest() + ".json"


def to_bytes(shelf: Shelf) -> bytes:
    rows = [_to_row(entry) for entry in shelf.entries.values()]
    return json.dumps({"spec": asdict(shelf.spec), "entries": rows}).encode()


def from_bytes(stored: bytes) -> Shelf:
    parsed = json.loads(stored)
    entries = [_from_row(row) for row in parsed["entries"]]
    return Shelf(CollectionSpec(**parsed["spec"]), {entry.id: entry for entry in entries})


def _to_row(entry: CacheEntry) -> dict:
    row = {name: getattr(entry, name) for name in CacheEntry.__slots__}
    return row | {"metadata": dict(entry.metadata), "vector": base64.b64encode(entry.vector.tobytes()).decode()}


def _from_row(row: dict) -> CacheEntry:
    vector = np.frombuffer(base64.b64decode(row["vector"]), dtype=np.float32)
    return CacheEntry(**(row | {"vector": vector}))
