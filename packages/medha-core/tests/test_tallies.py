"""Writers that cannot count in one step lose no feedback all the same."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np

from medha import CacheEntry
from medha.rows import to_row
from medha.tallies import ENTRY, Tally, Tallying, counted

if TYPE_CHECKING:
    from medha.tallies import Row


class Table:
    """An engine that stores whole rows, and yields to others at every call."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def store(self, revision: str, **counters: Any) -> None:
        entry = CacheEntry(
            id="1",
            question="q",
            normalized_question="q",
            generated_query="SELECT 1",
            query_hash="h",
            created_at=0.0,
            vector=np.array([1.0, 0.0], dtype=np.float32),
            **counters,
        )
        place = {"part": ENTRY, "owner": "1", "revision": revision, "rated": False}
        self.rows["1"] = {**to_row(entry), **place}

    async def with_tallies(self, owner: str) -> list[Row]:
        await asyncio.sleep(0)
        return [dict(row) for row in self.rows.values() if row["owner"] == owner]

    async def mark_rated(self, owner: str) -> bool:
        await asyncio.sleep(0)
        if owner in self.rows:
            self.rows[owner]["rated"] = True
        return owner in self.rows

    async def put_tally(self, tally: Tally) -> None:
        await asyncio.sleep(0)
        self.rows[tally.key] = tally.row


async def test_writers_that_count_at_the_same_time_lose_nothing() -> None:
    table, writers = Table(), [Tallying() for _ in range(3)]
    table.store("a", feedback_correct=5)
    await asyncio.gather(*(writer.add(table, "music", "1", 1, 2) for writer in writers for _ in range(20)))
    (entry,) = counted(table.rows.values())
    assert (entry.feedback_correct, entry.feedback_incorrect) == (65, 120)
    assert len(table.rows) == 1 + len(writers)


async def test_each_addition_sees_its_own_step() -> None:
    table, writer = Table(), Tallying()
    table.store("a")
    seen = await asyncio.gather(*(writer.add(table, "music", "1", 1, 0) for _ in range(20)))
    assert sorted(counters[0] for counters in seen if counters) == list(range(1, 21))
    assert await writer.add(table, "music", "1", 0, 0) == (20, 0)


async def test_storing_the_entry_again_begins_anew() -> None:
    table, writer = Table(), Tallying()
    table.store("a")
    await writer.add(table, "music", "1", 3, 0)
    table.store("b", feedback_incorrect=1)
    (entry,) = counted(table.rows.values())
    assert (entry.feedback_correct, entry.feedback_incorrect) == (0, 1)
    assert await writer.add(table, "music", "1", 1, 0) == (1, 1)


async def test_what_is_gone_is_not_rated_and_does_not_come_back() -> None:
    table, writer = Table(), Tallying()
    assert await writer.add(table, "music", "1", 1, 0) is None
    assert table.rows == {}
    table.store("a")

    async def gone(owner: str) -> bool:
        table.rows.clear()
        return False

    table.mark_rated = gone
    assert await writer.add(table, "music", "1", 1, 0) is None
    assert table.rows == {}
