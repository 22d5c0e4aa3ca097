"""The names of tables, and of the files that are put beside the data of each."""

from __future__ import annotations

import hashlib
from typing import Final

OWN_FILES: Final = "medha_"
"""What the names of those files begin with; Lance has none like them."""
PENDING: Final = f"{OWN_FILES}pending.sqlite"
TURN: Final = f"{OWN_FILES}turn.lock"


def table_name(prefix: str, collection: str) -> str:
    """The name of the collection's table: names that differ in anything have different ones."""
    return f"{prefix}_{hashlib.sha256(collection.encode()).hexdigest()}"
