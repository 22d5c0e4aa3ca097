"""Storing, warming and exporting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medha.facade.life import Life
from medha.models import UNSET, NewEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import pandas as pd

    from medha.migrating import Migration
    from medha.models import Metadata, Unset
    from medha.sources import EntrySource

    Progress = Callable[[int, int], object]
    TTL = float | Unset | None


class Entries(Life):
    """Entries in and out."""

    async def store(
        self,
        question: str,
        generated_query: str,
        response_summary: str | None = None,
        template_id: str | None = None,
        ttl: TTL = UNSET,
        *,
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """Store the query of a question, replacing the one it had in this scope; returns the entry's id.

        ``metadata`` is the scope. ``ttl`` is in seconds, ``None`` never expires, by default ``default_ttl_seconds``.

        Raises:
            InvalidInputError: refused; nothing was stored.
            BackendError, EmbedderError: not stored.
            L1Error: stored, but others that share the L1 cache may still serve what it replaced.
        """
        new = NewEntry(
            question=question,
            generated_query=generated_query,
            response_summary=response_summary,
            template_id=template_id,
            ttl=ttl,
            metadata={} if metadata is None else metadata,
        )
        return await self._live.writer.store(new)

    async def store_many(
        self,
        entries: Iterable[NewEntry | Mapping[str, Any]],
        *,
        batch_size: int | None = None,
        on_progress: Progress | None = None,
        ttl: TTL = UNSET,
    ) -> int:
        """Store many entries, every one checked before the first is written; returns how many were given.

        ``on_progress(stored, total)`` is called after each batch; ``ttl`` is for entries without one of their own.

        Raises:
            InvalidEntryError: an entry is refused, ``index`` says which; nothing was stored.
            PartialWriteError: a batch failed, ``stored`` says how many entries are in.
        """
        return await self._live.writer.store_many(entries, batch_size=batch_size, on_progress=on_progress, ttl=ttl)

    async def store_batch(self, entries: Iterable[NewEntry | Mapping[str, Any]]) -> int:
        """``store_many`` with its defaults."""
        return await self.store_many(entries)

    async def warm_from_file(
        self,
        path: str | Path,
        *,
        format: str | None = None,  # noqa: A002
        batch_size: int | None = None,
        on_progress: Progress | None = None,
        ttl: TTL = UNSET,
    ) -> int:
        """Store the rows of a JSON array, JSON Lines or CSV file; returns how many.

        Columns: ``question`` and ``generated_query`` (or ``query``, ``sql``), and what ``export_to_file`` writes;
        others are passed over. ``format`` is "json", "jsonl" or "csv", by default by the ending. The file
        is streamed, twice.

        Raises:
            FileError: absent, not allowed, too large, or not of the format.
            InvalidEntryError, PartialWriteError: as ``store_many``.
        """
        return await self._live.transfer.warm_from_file(
            path, format=format, batch_size=batch_size, on_progress=on_progress, ttl=ttl
        )

    async def warm_from_dataframe(
        self,
        frame: Any,
        *,
        batch_size: int | None = None,
        on_progress: Progress | None = None,
        ttl: TTL = UNSET,
    ) -> int:
        """Store the rows of a pandas or polars frame with the columns of ``warm_from_file``; returns how many."""
        return await self._live.transfer.warm_from_dataframe(
            frame, batch_size=batch_size, on_progress=on_progress, ttl=ttl
        )

    async def export_to_file(
        self,
        path: str | Path,
        *,
        format: str | None = None,  # noqa: A002
        include_vectors: bool = True,
        filters: Metadata | None = None,
        on_progress: Progress | None = None,
    ) -> int:
        """Write every entry to a file that ``warm_from_file`` restores; returns how many.

        The file appears whole or not at all. Expired entries that were not removed yet are written too.
        """
        return await self._live.transfer.export_to_file(
            path, format=format, include_vectors=include_vectors, filters=filters, on_progress=on_progress
        )

    async def migrate_from(
        self,
        source: EntrySource,
        *,
        merge: bool = False,
        dry_run: bool = False,
        on_progress: Callable[[str, int, int], object] | None = None,
    ) -> Migration:
        """Copy every live entry of a ``CollectionSource``, ``FileSource`` or ``RowSource`` into this collection.

        Scopes, times and feedback come along; vectors too, unless another model made them. What is there already is
        left alone, so that a run that was stopped goes on; at the end all is compared. ``merge`` allows a collection
        that holds other entries. ``on_progress(step, done, total)`` is called after each page.

        Raises:
            MigrationError: this collection holds something else; or the copy is not what the source holds.
            InvalidEntryError: an entry is refused, ``index`` says which; nothing was stored.
            PartialWriteError: stopped midway; run it again.
        """
        from medha.migrating import Migrator

        live = self._live
        return await Migrator(live.parts, live.writer, on_progress).migrate(source, merge=merge, dry_run=dry_run)

    async def export_to_dataframe(
        self, include_vectors: bool = False, *, filters: Metadata | None = None
    ) -> pd.DataFrame:
        """Every entry as a row of a pandas frame, for ``warm_from_dataframe`` or for looking at."""
        return await self._live.transfer.export_to_dataframe(include_vectors=include_vectors, filters=filters)
