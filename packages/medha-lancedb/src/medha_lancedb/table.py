"""One table of Lance: reading it, and committing to it."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from lancedb.query import ColumnOrdering

from medha.errors import CorruptEntryError
from medha_lancedb.conditions import with_ids, with_places
from medha_lancedb.disk import settle
from medha_lancedb.errors import is_lost_race, translated
from medha_lancedb.indexes import METRIC, Indexes
from medha_lancedb.rows import COUNTERS, ENTRY_COLUMNS, VECTOR, is_early, spec_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from medha.models import Vector
    from medha_lancedb.arrow import Rows, Schema
    from medha_lancedb.settings import LanceSettings
    from medha_lancedb.writing import Feedback

T = TypeVar("T")

_LONGEST_PAUSE: Final = 0.1
"""Seconds before a commit that lost a race is tried again."""
_ROWS_A_COMMIT: Final = 5000
"""Rows that are written anew for each commit, on an average, to put a large table in order."""
_logger = logging.getLogger("medha_lancedb")


class Table:
    """A table that this process has open; every read is of its newest version."""

    def __init__(
        self, table: Any, schema: Schema, collection: str, folder: Path | None, settings: LanceSettings
    ) -> None:
        self.folder = folder
        self.schema = schema
        self.source = f"{collection!r} on {settings.uri}"
        """As messages name it."""
        self.spec = spec_of(schema, f"opening the collection {self.source}")
        self._table = table
        self._collection = collection
        self._settings = settings
        self._commits = 0
        self._commits_looked_at = 0
        self._indexes = Indexes(table, schema, settings)

    async def rows(
        self, doing: str, condition: str | None, *, limit: int | None = None, with_vectors: bool = False
    ) -> Rows:
        """The matching rows; the first so many in the order of their places, which are among the columns then."""
        columns = [*ENTRY_COLUMNS, *([VECTOR] if with_vectors else []), *([] if limit is None else ["place"])]

        async def read() -> Rows:
            query = self._table.query().select(columns)
            if condition is not None:
                query = query.where(condition)
            if limit is not None:
                query = query.order_by([ColumnOrdering(column_name="place")]).limit(limit)
            return await query.to_arrow()

        return await self._run(doing, read)

    async def nearest(self, vector: Vector, *, limit: int, condition: str | None) -> tuple[Rows, Sequence[float]]:
        """The closest rows with their cosines."""

        async def read() -> Rows:
            query = (
                self._table.vector_search(vector).distance_type(METRIC).select([*ENTRY_COLUMNS, "expires", "_distance"])
            )
            if self._settings.exact:
                query = query.bypass_vector_index()
            else:
                # a scope with few entries may have none in the parts that are looked at first
                query = query.minimum_nprobes(self._settings.nprobes).maximum_nprobes(0)
            if condition is not None:
                query = query.where(condition)
            return await query.limit(limit).to_arrow()

        found = await self._run("searching", read)
        similarities = np.clip(1.0 - found.column("_distance").to_numpy(), -1.0, 1.0)
        return found, similarities.tolist()

    async def places(self, condition: str | None) -> list[int]:
        """Where the matching rows are."""

        async def read() -> Rows:
            return await self._table.query().select(["place"]).where(condition or "true").to_arrow()

        return (await self._run("looking for what is in", read)).column("place").to_pylist()

    async def count(self, condition: str | None) -> int:
        """How many rows match."""
        return await self._run("counting", lambda: self._table.count_rows(condition))

    async def _run(self, doing: str, call: Callable[[], Awaitable[T]], *, writing: bool = False) -> T:
        named = f"{doing} {self._collection!r}"
        return await translated(
            call, doing=named, place=self._settings.uri, collection=self._collection, writing=writing
        )

    async def is_as_opened(self) -> bool:
        """Whether it is still the table that was opened, as far as its columns tell; asked only of an early one.

        Who drops such a table and makes it anew gives it a column more, by which entries are found.
        """
        if not is_early(self.schema):
            return True
        stored: Schema = await self._run("looking at", self._table.schema)
        return stored.equals(self.schema)

    async def lacks(self, places: Sequence[int]) -> bool:
        """Whether there is no row at any of these places."""
        return not await self.count(with_places(places))

    async def store(self, rows: Rows, *, new: bool) -> None:
        """Add the rows in one commit, instead of those with the same ids; of two with one id, the last.

        ``new`` says that there are no rows with these ids, and that nobody else can add one meanwhile.
        """
        newest = _newest(rows)
        sure = iter([new])

        async def store() -> None:
            # whoever was faster may have stored one of them
            if next(sure, False):
                # a merge takes twice as long: it reads the ids of the whole table
                await self._table.add(newest)
                return
            merging = self._table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
            await merging.execute(newest)

        await self._write(f"storing {len(newest)} entries in", store)

    async def delete(self, condition: str | None) -> int:
        """Remove what matches, and say how many rows there were."""
        done = await self._write("deleting from", lambda: self._table.delete(condition or "true"))
        return done.num_deleted_rows

    async def add_feedback(self, batch: Sequence[Feedback]) -> list[tuple[int, int] | None]:
        """Add to the counters of rows, and return each as it was after its turn."""
        added: dict[str, tuple[int, int]] = {}
        upto: list[tuple[int, int]] = []
        for work in batch:
            correct, incorrect = added.get(work.entry_id, (0, 0))
            added[work.entry_id] = correct + work.correct, incorrect + work.incorrect
            upto.append(added[work.entry_id])
        doing = "counting feedback in"
        for both in {both for both in added.values() if any(both)}:
            same = with_ids(key for key, other in added.items() if other == both)
            changes = {name: f"{name} + {int(count)}" for name, count in zip(COUNTERS, both, strict=True)}
            await self._write(
                doing, lambda same=same, changes=changes: self._table.update(where=same, updates_sql=changes)
            )
        condition = with_ids(added)
        found = {row["id"]: row for row in (await self.rows(doing, condition)).to_pylist()}
        return [
            self._counters(found.get(work.entry_id), before=upto[number], all_of=added[work.entry_id])
            for number, work in enumerate(batch)
        ]

    def _counters(
        self, row: dict[str, Any] | None, *, before: tuple[int, int], all_of: tuple[int, int]
    ) -> tuple[int, int] | None:
        """The counters as they were when only so much of the batch had been added."""
        if row is None:
            return None
        counters = row["feedback_correct"], row["feedback_incorrect"]
        if None in counters:
            raise CorruptEntryError(
                f"the entry {row['id']!r} of {self.source} has no counters: another program has changed it. Delete it "
                "by its id and store its question again"
            )
        correct, incorrect = (counters[n] - all_of[n] + before[n] for n in range(2))
        return correct, incorrect

    async def _write(self, doing: str, call: Callable[[], Awaitable[T]]) -> T:
        async def trying() -> T:
            for _ in range(self._settings.retries):
                try:
                    return await call()
                except Exception as exc:
                    if not is_lost_race(exc):
                        raise
                await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311 - no secret
            return await call()

        began = time.time()
        result = await self._run(doing, trying, writing=True)
        self._commits += 1
        await self.settle(began)
        return result

    async def settle(self, since: float = 0.0) -> None:
        """Wait until what was written since then is on the disk, where the settings ask for it."""
        if self.folder is not None and self._settings.synchronous == "full":
            folder = self.folder

            async def settling() -> None:
                await asyncio.to_thread(settle, folder, since)

            await self._run("getting onto the disk", settling, writing=True)

    async def maintain(self) -> None:
        """After some commits put small files together and remove old versions.

        A large table is put in order rarely, since it is written anew.
        """
        if self._commits - self._commits_looked_at < self._settings.compact_after:
            return
        self._commits_looked_at = self._commits
        try:
            began = time.time()
            count = await self._table.count_rows()
            await self._indexes.make(count)
            if self._commits >= count // _ROWS_A_COMMIT:
                if self._settings.synchronous == "full":
                    # what replaces the old files is on the disk before they go
                    await self._table.optimize()
                    await self.settle(began)
                await self._table.optimize(cleanup_older_than=timedelta(seconds=self._settings.keep_versions))
                self._commits = self._commits_looked_at = 0
        except Exception as exc:  # noqa: BLE001 - it is told: what was stored is stored, and the next time makes up for it
            level = logging.DEBUG if is_lost_race(exc) else logging.WARNING
            _logger.log(level, "the table of %s could not be put in order: %s", self.source, type(exc).__name__)


def _newest(rows: Rows) -> Rows:
    """Of the rows with one id, the last."""
    last = {entry_id: number for number, entry_id in enumerate(rows.column("id").to_pylist())}
    return rows if len(last) == len(rows) else rows.take(sorted(last.values()))
