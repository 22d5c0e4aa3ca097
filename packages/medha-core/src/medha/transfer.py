"""Warming from files and frames, exporting to them."""

from __future__ import annotations

import asyncio
import math
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

from medha.atomic import atomic_writer
from medha.errors import FileFormatError, InvalidEntryError, InvalidInputError, MissingDependencyError
from medha.files import (
    allowed_path,
    entry_fields,
    file_format,
    open_to_read,
    read_rows,
    row_of,
    write_rows,
)
from medha.models import UNSET, NewEntry, Unset

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
    from pathlib import Path

    import pandas as pd

    from medha.models import Metadata
    from medha.parts import Parts
    from medha.writing import Draft, Writer

    Progress = Callable[[int, int], object]


class Transfer:
    """Moves entries between the collection and files or frames."""

    def __init__(self, parts: Parts, writer: Writer) -> None:
        self._parts = parts
        self._writer = writer

    async def warm_from_file(
        self,
        path: str | Path,
        *,
        format: str | None,  # noqa: A002
        batch_size: int | None,
        on_progress: Progress | None,
        ttl: float | Unset | None,
    ) -> int:
        """Check the whole file, then store its rows; it is read twice and never held whole."""
        source = allowed_path(path, self._parts.settings)
        kind = file_format(source, format)

        def check() -> int:
            with closing(self._file_drafts(source, kind, ttl)) as drafts:
                return sum(1 for _ in drafts)

        total = await asyncio.to_thread(check)
        with closing(self._file_drafts(source, kind, ttl)) as drafts:
            return await self._writer.write(drafts, total, batch_size, on_progress)

    async def warm_from_dataframe(
        self,
        frame: Any,
        *,
        batch_size: int | None,
        on_progress: Progress | None,
        ttl: float | Unset | None,
    ) -> int:
        """Check every row of a pandas or polars frame, then store them."""
        rows = _frame_rows(frame)
        drafts = await asyncio.to_thread(lambda: list(self._drafts(rows, ttl)))
        return await self._writer.write(iter(drafts), len(drafts), batch_size, on_progress)

    async def export_to_file(
        self,
        path: str | Path,
        *,
        format: str | None,  # noqa: A002
        include_vectors: bool,
        filters: Metadata | None,
        on_progress: Progress | None,
    ) -> int:
        """Write every entry, a page at a time; the file is there whole or not at all."""
        target = allowed_path(path, self._parts.settings)
        kind = file_format(target, format)
        spec = self._parts.embeddings.spec
        total = await self._parts.storage.count(_where(filters))
        written = 0
        with atomic_writer(target) as file:
            file.write(b"[\n" if kind == "json" else b"")
            async for page in self._parts.storage.pages(_where(filters), with_vectors=include_vectors):
                rows = [row_of(entry, spec, include_vectors=include_vectors) for entry in page]
                await asyncio.to_thread(write_rows, file, kind, rows, first=written == 0)
                written += len(rows)
                if on_progress is not None:
                    on_progress(written, total)
            if not written:
                write_rows(file, kind, [], first=True)
            file.write(b"\n]\n" if kind == "json" else b"")
        return written

    async def export_to_dataframe(self, *, include_vectors: bool, filters: Metadata | None) -> pd.DataFrame:
        """Every entry as a row of a pandas frame."""
        try:
            import pandas as pd
        except ImportError as exc:
            raise MissingDependencyError(
                "export_to_dataframe needs pandas. Try: pip install 'medha-core[pandas]'"
            ) from exc
        from medha.files import COLUMNS

        spec = self._parts.embeddings.spec
        pages = self._parts.storage.pages(_where(filters), with_vectors=include_vectors)
        rows = [row_of(entry, spec, include_vectors=include_vectors) async for page in pages for entry in page]
        columns = list(COLUMNS) if include_vectors else list(COLUMNS[:10])
        return await asyncio.to_thread(lambda: pd.DataFrame(rows, columns=columns))

    def _file_drafts(self, path: Path, kind: str, ttl: float | Unset | None) -> Generator[Draft, None, None]:
        with open_to_read(path, self._parts.settings) as file:
            yield from self._drafts(read_rows(file, kind, path.name), ttl)

    def _drafts(self, rows: Iterable[Mapping[str, Any]], ttl: float | Unset | None = UNSET) -> Iterator[Draft]:
        spec = self._parts.embeddings.spec
        for index, row in enumerate(rows):
            try:
                new = NewEntry(**entry_fields(row, spec))
            except InvalidInputError as exc:
                raise InvalidEntryError(f"entry {index} was refused, nothing was stored: {exc}", index=index) from exc
            yield self._writer.numbered_draft(new, index, ttl)


def _where(filters: Metadata | None) -> Any:
    from medha.checks import check_metadata
    from medha.where import Where

    return Where(metadata=check_metadata(filters, "filters"))


def _frame_rows(frame: Any) -> Iterator[Mapping[str, Any]]:
    """The rows of a pandas or polars frame, absent values as ``None``."""
    if hasattr(frame, "to_dicts"):
        records = cast("list[dict[str, Any]]", frame.to_dicts())
    elif hasattr(frame, "to_dict") and hasattr(frame, "columns"):
        records = cast("list[dict[str, Any]]", frame.to_dict(orient="records"))
    else:
        raise FileFormatError(f"expected a pandas or polars DataFrame, not {type(frame).__name__}")
    for record in records:
        yield {key: None if _absent(value) else value for key, value in record.items()}


def _absent(value: Any) -> bool:
    return (
        value is None
        or (isinstance(value, float) and math.isnan(value))
        or type(value).__name__ in {"NaTType", "NAType"}
    )
