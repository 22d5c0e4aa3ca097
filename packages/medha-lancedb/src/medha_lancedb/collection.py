"""One collection: a table of Lance, and what waits beside it to be merged into it."""

from __future__ import annotations

import asyncio
import logging
from itertools import compress
from typing import TYPE_CHECKING, Any, Final

from medha.errors import BackendError
from medha.facts import instant
from medha.models import Match, Page
from medha_lancedb.arrow import pa
from medha_lancedb.buffer import Buffer
from medha_lancedb.conditions import Conditions, with_ids, with_places, without_ids
from medha_lancedb.drafts import FEW, draft, made
from medha_lancedb.rows import to_entries
from medha_lancedb.view import View
from medha_lancedb.writing import Delete, Feedback, Pend, Store, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.models import CacheEntry, Vector
    from medha.where import Where
    from medha_lancedb.arrow import Rows
    from medha_lancedb.drafts import Draft
    from medha_lancedb.settings import LanceSettings
    from medha_lancedb.table import Table

_SMALL: Final = 100
"""So many entries of one call, and no more, are stored in the pending file."""
_OVERFULL: Final = 10
"""So many times what is merged at once may wait; then a store waits for the merge."""
_logger = logging.getLogger("medha_lancedb")


class Collection:
    """The pending rows, and the rows of the table that have no pending one with their id.

    Whoever reads looks at the pending rows first. A merge puts them into the table before it lets them go, so that what
    is not among them any more is in the table. Whatever changes the table has the turn of all processes; a single
    store does not need it.
    """

    def __init__(self, table: Table, name: str, settings: LanceSettings) -> None:
        self.table = table
        self._conditions = Conditions(table.schema)
        self._settings = settings
        self._buffer = Buffer(table.folder, table.spec.dimension, name, settings)
        self._writer = Writer(self._commit)
        self._merging: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open what is beside the table; harmless when it is open."""
        await self._buffer.open()
        await self.table.settle()

    async def finish(self) -> None:
        """Wait until every write that was begun is done."""
        await self._writer.finish()
        if self._merging is not None:
            await asyncio.shield(self._merging)

    async def close(self, *, merging: bool = True) -> None:
        """Finish the writes and merge what waits; what cannot be merged now waits in its file."""
        try:
            await self.finish()
            if merging and self._buffer.waiting:
                await self._merge_or_tell()
        finally:
            # also when the caller is cancelled: nobody else would let go of the file and its thread
            await self._buffer.close()

    async def upsert(self, entries: Sequence[CacheEntry]) -> None:
        """Store the entries: a few in the pending file, many in one commit, which others may share."""
        if self._buffer.takes and len(entries) <= _SMALL:
            await self._writer.do(Pend(self._buffer.rows(entries)))
            return
        await self._writer.do(Store(await draft(entries, self.table)))

    async def delete(self, where: Where) -> int:
        """Remove what matches."""
        return await self._writer.do(Delete(where))

    async def add_feedback(self, entry_id: str, correct: int, incorrect: int) -> tuple[int, int] | None:
        """Count."""
        return await self._writer.do(Feedback(entry_id, correct, incorrect))

    async def get(self, ids: Sequence[str]) -> list[CacheEntry]:
        """The entries that are there."""
        mine = await self._buffer.read(lambda view: view.get(ids))
        wanted = set(ids).difference(entry.id for entry in mine)
        if not wanted:
            return mine
        found = await self.table.rows(f"getting {len(wanted)} entries of", with_ids(wanted))
        return mine + [entry for entry in await self._entries(found) if entry.id in wanted]

    async def search(
        self, vector: Vector, *, limit: int, min_similarity: float, where: Where, now: float
    ) -> list[Match]:
        """The closest, pending or not."""
        mine, ids = await self._buffer.read(
            lambda view: (
                view.nearest(vector, limit=limit, min_similarity=min_similarity, where=where, now=now),
                set(view.rows),
            )
        )
        # expired or stored again are few, and conditions that leave them out take their time
        condition, alive = self._conditions.matching(where), instant(now)
        found, similarities = await self.table.nearest(vector, limit=limit, condition=condition)
        keys, expiries = found.column("id").to_pylist(), found.column("expires").to_pylist()
        kept = [
            key not in ids and expires is not None and expires > alive
            for key, expires in zip(keys, expiries, strict=True)
        ]
        if not all(kept):
            if len(kept) == limit and similarities[-1] >= min_similarity:
                # what is left out may have kept others away
                condition = without_ids(self._conditions.matching(where, alive_at=now), ids)
                found, similarities = await self.table.nearest(vector, limit=limit, condition=condition)
            else:
                found, similarities = found.filter(kept), list(compress(similarities, kept))
        matches = [Match(*pair) for pair in zip(await self._entries(found), similarities, strict=True)]
        theirs = [match for match in matches if match.similarity >= min_similarity and where.matches(match.entry)]
        if not mine:
            return theirs
        return sorted(mine + theirs, key=lambda match: -match.similarity)[:limit]

    async def scroll(self, where: Where | None, limit: int, cursor: str | None, *, with_vectors: bool) -> Page:
        """Entries in the order of their places; the cursor is the last one's place."""
        after = -1 if cursor is None else int(cursor)
        mine, ids = await self._buffer.read(
            lambda view: (view.after(where, after, with_vectors=with_vectors)[: limit + 1], set(view.rows))
        )
        condition = without_ids(self._conditions.matching(where, after=cursor), ids)
        found = await self.table.rows("reading", condition, limit=limit + 1, with_vectors=with_vectors)
        places: list[int] = found.column("place").to_pylist()
        both = [*mine, *zip(places, await self._entries(found), strict=True)]
        page = sorted(both, key=lambda pair: pair[0])[:limit]
        return Page([entry for _, entry in page], str(page[-1][0]) if len(both) > limit else None)

    async def count(self, where: Where | None) -> int:
        """How many match."""
        mine, ids = await self._buffer.read(lambda view: (len(view.matching(where)), set(view.rows)))
        return mine + await self.table.count(without_ids(self._conditions.matching(where), ids))

    async def merge(self) -> None:
        """Put what waits into the table, in one commit."""
        async with self._buffer.turn() as alone:
            await self._merge(alone=alone)
            await self.table.maintain()

    async def _merge(self, *, alone: bool) -> None:
        found = await self._buffer.read(View.whole)
        if found:
            drafted = await draft([entry for _, entry in found], self.table)
            new, (rows,) = await made([drafted], self.table, alone=alone)
            if isinstance(rows, BackendError):
                raise rows
            await self.table.store(rows, new=new)
            await self._buffer.remove([seq for seq, _ in found])

    async def _merge_or_tell(self) -> None:
        try:
            await self.merge()
        except BackendError as exc:
            _logger.warning(
                "what waits beside the table of %s could not be merged, and waits on: %s", self.table.source, exc
            )

    async def _commit(self, batch: Sequence[Any]) -> Sequence[Any]:
        if isinstance(batch[0], Pend):
            await self._pend([row for work in batch for row in work.rows])
            return [None] * len(batch)
        async with self._buffer.turn() as alone:
            results = await self._change(batch, alone=alone)
            await self.table.maintain()
        return results

    async def _change(self, batch: Sequence[Any], *, alone: bool) -> Sequence[Any]:
        if isinstance(batch[0], Store):
            return await self._store([work.drafted for work in batch], alone=alone)
        if isinstance(batch[0], Delete):
            return [await self._delete(batch[0].where)]
        return await self._add_feedback(batch)

    async def _pend(self, made: Sequence[Any]) -> None:
        if self._buffer.waiting >= self._settings.merge_after * _OVERFULL:
            await self.merge()
        await self._buffer.add(made)
        if self._buffer.waiting >= self._settings.merge_after and (self._merging is None or self._merging.done()):
            self._merging = asyncio.create_task(self._merge_or_tell())

    async def _store(self, drafts: Sequence[Draft], *, alone: bool) -> Sequence[BackendError | None]:
        ids = {entry.id for drafted in drafts for entry in drafted.entries}
        hidden, damaged = await self._buffer.read(lambda view: (not ids.isdisjoint(view.rows), view.damaged(ids)))
        if hidden:
            # a pending row would hide the one of this call
            await self._merge(alone=alone)
        new, outcomes = await made(drafts, self.table, alone=alone)
        sound = [rows for rows in outcomes if not isinstance(rows, BackendError)]
        if sound:
            await self.table.store(pa.concat_tables(sound), new=new)
        if damaged:
            stored = {entry_id for rows in sound for entry_id in rows.column("id").to_pylist()}
            await self._buffer.remove(await self._buffer.read(lambda view: view.damaged(stored)))
        return [rows if isinstance(rows, BackendError) else None for rows in outcomes]

    async def _delete(self, where: Where) -> int:
        condition = self._conditions.matching(where)
        mine, pending = await self._buffer.read(
            lambda view: (view.matching(where), {row.place for row in view.rows.values()})
        )
        if not pending:
            return await self.table.delete(condition)
        # what they hide goes with the others and first: a pending row that went alone would uncover it
        if condition is not None and mine:
            condition = f"({condition}) OR {with_places(row.place for row in mine)}"
        gone = len(mine)
        if await self.table.count(condition):
            gone += sum(place not in pending for place in await self.table.places(condition))
            await self.table.delete(condition)
        if mine:
            await self._buffer.remove([row.seq for row in mine])
        return gone

    async def _add_feedback(self, batch: Sequence[Feedback]) -> Sequence[tuple[int, int] | None]:
        counted = await self._buffer.add_feedback(batch)
        others = [number for number, counters in enumerate(counted) if counters is None]
        if others:
            results = await self.table.add_feedback([batch[number] for number in others])
            for number, counters in zip(others, results, strict=True):
                counted[number] = counters
        return counted

    async def _entries(self, found: Rows) -> list[CacheEntry]:
        if len(found) <= FEW:
            return to_entries(found, self.table.source)
        return await asyncio.to_thread(to_entries, found, self.table.source)
