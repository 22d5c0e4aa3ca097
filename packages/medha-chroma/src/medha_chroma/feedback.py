"""Counting in an engine that has neither counters nor conditional writes.

Each writer keeps in the entry a field of its own with what it has added, and nobody else writes to that. The counters
are the sum. The field's name has the entry's revision in it, so that storing the entry anew begins anew.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from medha_chroma import records
from medha_chroma.queries import Condition

if TYPE_CHECKING:
    from medha_chroma.target import Target


class Feedback:
    """The one writer that a backend is; used on one event loop."""

    def __init__(self) -> None:
        self._writer = secrets.token_hex(4)
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def add(self, target: Target, entry_id: str, correct: int, incorrect: int) -> tuple[int, int] | None:
        """Add to the entry's counters, and return them; ``None`` where there is no such entry."""
        async with self._locks.setdefault((target.collection, entry_id), asyncio.Lock()):
            writer = self._writer
            found = await target.get("counting feedback in", Condition([entry_id]))
            if not found:
                return None
            tally = records.tally(found[0], target.source, writer)
            if correct or incorrect:
                added = tally.own[0] + correct, tally.own[1] + incorrect
                fields = records.counted(found[0], writer, added)
                try:
                    await target.write("counting feedback in", "update", ids=[entry_id], metadatas=[fields])
                except BaseException:
                    # it may yet arrive, and must then not overwrite what is added from now on
                    self._writer = secrets.token_hex(4)
                    raise
            return tally.counters[0] + correct, tally.counters[1] + incorrect
