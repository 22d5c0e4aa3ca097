"""Entries as documents of the index."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from medha.rows import as_json, from_row, to_row
from medha_elastic.queries import tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medha.models import CacheEntry

UNREAD: Final = ("vector", "vector_bits", "tokens")
"""What of a document is not sent back."""
UNREAD_WITH_VECTORS: Final = ("vector", "tokens")


def store_line(entry: CacheEntry) -> bytes:
    """The two lines of a bulk request that store the entry.

    The vector stands there twice: for the index as numbers of seven digits, and bit for bit, since the index keeps it
    normalised and later versions of Elasticsearch take it out of the document.
    """
    vector = np.asarray(entry.vector, dtype=np.float32)
    row = {**to_row(entry), "tokens": tokens_of(entry)}
    numbers = _array_of(vector.size) % tuple(vector.tolist())
    text = f'{{"index":{{"_id":{as_json(entry.id)}}}}}\n{as_json(row)[:-1]},"vector":{numbers}}}\n'
    return text.encode()


def delete_line(entry_id: str) -> bytes:
    """The line of a bulk request that removes the entry."""
    return f'{{"delete":{{"_id":{as_json(entry_id)}}}}}\n'.encode()


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
    return from_row({**(document.get("_source") or {}), "id": entry_id}, entry_id)


@functools.cache
def _array_of(dimension: int) -> str:
    # seven digits are as near as float32 arithmetic comes; this is three times as fast as a JSON encoder
    return "[" + ",".join(["%.7g"] * dimension) + "]"
