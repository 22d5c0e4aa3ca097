"""What a migration reads from: a collection of any backend, a file, or rows from anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from medha.batches import next_batch
from medha.errors import CollectionMismatchError, CollectionNotFoundError, InvalidEntryError, InvalidInputError
from medha.files import allowed_path, entry_fields, file_format, open_to_read, read_rows
from medha.models import CollectionSpec, NewEntry
from medha.storage import PAGE_SIZE, Storage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from medha.backend import VectorStorageBackend
    from medha.models import CacheEntry
    from medha.settings import Settings

_NO_MODEL: Final = CollectionSpec(dimension=0, model_name="")
"""Of rows before they are opened: no vector is of it."""


class EntrySource(Protocol):
    """Entries on their way into another collection; they are read several times."""

    @property
    def name(self) -> str:
        """How messages call it; it holds no address and no secret."""
        ...

    async def open(self, spec: CollectionSpec, settings: Settings) -> int | None:
        """Get ready to be read for a collection of this spec; returns how many there are, where that is known."""
        ...

    def pages(self) -> AsyncIterator[Sequence[NewEntry]]:
        """Every entry, a page at a time."""
        ...


class CollectionSource:
    """A collection of a backend, which is connected here and stays open: whoever made it closes it.

    Vectors are taken along when they were made by the model of the collection they go to.
    """

    def __init__(self, backend: VectorStorageBackend, collection: str) -> None:
        self.backend = backend
        self.collection = collection
        self.same_model = False
        self._storage = Storage(backend, collection, None)

    @property
    def name(self) -> str:
        """The collection and the kind of its backend."""
        return f"the collection {self.collection!r} of {type(self.backend).__name__}"

    async def open(self, spec: CollectionSpec, settings: Settings) -> int:
        """Connect, and see which model the collection was made with.

        Raises:
            CollectionNotFoundError: there is nothing to read.
        """
        self._storage = Storage(self.backend, self.collection, settings.backend_timeout)
        await self._storage.connect()
        try:
            # before anything that would make it
            entries = await self._storage.count()
        except CollectionNotFoundError as exc:
            raise CollectionNotFoundError(
                f"nothing to migrate: {type(self.backend).__name__} holds no collection {self.collection!r}. "
                "Look at its name, and at the address of the backend"
            ) from exc
        try:
            await self._storage.initialize(spec)
        except CollectionMismatchError:
            self.same_model = False
        else:
            self.same_model = True
        return entries

    async def pages(self) -> AsyncIterator[Sequence[NewEntry]]:
        """As the backend scrolls."""
        async for page in self._storage.pages(with_vectors=self.same_model):
            yield [_as_new(entry) for entry in page]


class RowSource:
    """Rows with the columns that ``Medha.warm_from_file`` takes; ``rows`` begins anew each time it is called.

    The rows are read in threads, one after the other but not always in the same one.
    """

    def __init__(self, rows: Callable[[], Iterator[Mapping[str, Any]]], name: str) -> None:
        self._rows = rows
        self._name = name
        self._spec = _NO_MODEL

    @property
    def name(self) -> str:
        """As it was given."""
        return self._name

    async def open(self, spec: CollectionSpec, settings: Settings) -> int | None:  # noqa: ARG002 - others need them
        """Nothing is known before the rows are read."""
        self._spec = spec
        return None

    async def pages(self) -> AsyncIterator[Sequence[NewEntry]]:
        """In the order of the rows."""
        entries = self._entries()
        try:
            while page := await next_batch(entries, PAGE_SIZE):
                yield page
        finally:
            entries.close()

    def _entries(self) -> Any:
        rows: Any = self._rows()
        try:
            for index, row in enumerate(rows):
                try:
                    yield NewEntry(**entry_fields(row, self._spec))
                except InvalidInputError as exc:
                    raise InvalidEntryError(f"row {index} of {self._name} was refused: {exc}", index=index) from exc
        finally:
            # a generator holds a file or a connection
            if hasattr(rows, "close"):
                rows.close()


class FileSource(RowSource):
    """A JSON array, JSON Lines or CSV file, within what the settings allow."""

    def __init__(self, path: str | Path, format: str | None = None) -> None:  # noqa: A002
        super().__init__(lambda: iter(()), f"the file {path}")
        self._given, self._format = path, format

    async def open(self, spec: CollectionSpec, settings: Settings) -> int | None:
        """See that the file may be read and what its format is."""
        path = allowed_path(self._given, settings)
        kind = file_format(path, self._format)
        self._rows = lambda: _file_rows(path, kind, settings)
        return await super().open(spec, settings)


def _file_rows(path: Path, kind: str, settings: Settings) -> Iterator[Mapping[str, Any]]:
    with open_to_read(path, settings) as file:
        yield from read_rows(file, kind, path.name)


def _as_new(entry: CacheEntry) -> NewEntry:
    return NewEntry(
        question=entry.question,
        generated_query=entry.generated_query,
        response_summary=entry.response_summary,
        template_id=entry.template_id,
        metadata=entry.metadata,
        vector=entry.vector,
        created_at=entry.created_at,
        expires_at=entry.expires_at,
        feedback_correct=entry.feedback_correct,
        feedback_incorrect=entry.feedback_incorrect,
    )
