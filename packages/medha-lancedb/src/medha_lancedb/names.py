"""The names of tables."""

from __future__ import annotations

import hashlib


def table_name(prefix: str, collection: str) -> str:
    """The name of the collection's table: names that differ in anything have different ones."""
    return f"{prefix}_{hashlib.sha256(collection.encode()).hexdigest()}"
