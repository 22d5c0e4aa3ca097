"""Vector indexes, made in the background when a collection has grown and its load is over."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING, Final

from medha.errors import BackendError, CollectionNotFoundError
from medha_pgvector.table import Table

if TYPE_CHECKING:
    from medha_pgvector.database import Database
    from medha_pgvector.settings import PostgresSettings

_log = logging.getLogger(__name__)

_QUIET: Final = 100
"""Entries written during one delay from which on a load is still under way."""


class Indexer:
    """Looks after the collections that this process has opened or written to."""

    def __init__(self, database: Database, settings: PostgresSettings) -> None:
        self._database = database
        self._settings = settings
        self._written: Counter[str] = Counter()
        self._looks: dict[str, asyncio.Task[None]] = {}

    def wrote(self, collection: str, count: int) -> None:
        """So many entries were stored; every tenth of ``index_from_rows`` is reason to look again."""
        before = self._written[collection]
        self._written[collection] += count
        every = max(1, self._settings.index_from_rows // 10)
        if before // every != self._written[collection] // every:
            self.look(collection)

    async def forget(self, collection: str) -> None:
        """Stop what is under way for the collection."""
        await _cancel(self._looks.pop(collection, None))

    async def close(self) -> None:
        """Stop everything; an index that was being made is made by the next process that looks."""
        for collection in list(self._looks):
            await self.forget(collection)

    def look(self, collection: str) -> None:
        """See in a while whether the collection needs an index; it may have grown under other processes too."""
        running = self._looks.get(collection)
        if self._settings.index == "auto" and (running is None or running.done()):
            self._looks[collection] = asyncio.create_task(self._when_quiet(collection))

    async def _when_quiet(self, collection: str) -> None:
        table = Table(self._database, collection)
        try:
            while True:
                await self._quiet(collection)
                written = self._written[collection]
                if await table.holds(self._settings.index_from_rows):
                    await table.build_index()
                    return
                if written == self._written[collection]:
                    return
        except CollectionNotFoundError:
            return
        except BackendError as exc:
            _log.warning("searches of %r stay exact and slow, for its index could not be made: %s", collection, exc)

    async def _quiet(self, collection: str) -> None:
        while True:
            before = self._written[collection]
            await asyncio.sleep(self._settings.index_delay)
            if self._written[collection] - before < _QUIET:
                return


async def _cancel(task: asyncio.Task[None] | None) -> None:
    if task is not None and not task.done():
        task.cancel()
        await asyncio.wait([task])
