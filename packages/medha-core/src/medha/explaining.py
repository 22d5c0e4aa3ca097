"""How a backend tells what went wrong: what it was doing and where, why that failed, and the way out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from medha.errors import BackendError, BackendUnavailableError, CollectionMismatchError, CorruptEntryError
from medha.rows import UnreadableRowError

if TYPE_CHECKING:
    from collections.abc import Generator

Advice: TypeAlias = tuple[type[BackendError], str]
"""The error to raise, and what it says: the cause, and what to do."""


@dataclass(frozen=True, slots=True)
class Doing(ABC):
    """What a backend is doing, with which collection, at which address of its engine.

    A subclass names the ``engine`` and the ``faults`` that its driver raises, and explains them.
    """

    what: str
    place: str
    collection: str | None = None

    engine: ClassVar[str]
    faults: ClassVar[tuple[type[Exception], ...]]

    def __str__(self) -> str:
        with_what = "" if self.collection is None else f" {self.collection!r} on"
        return f"{self.what}{with_what} {self.engine} at {self.place}"

    @abstractmethod
    def explain(self, exc: Exception) -> BackendError:
        """The error to raise from one of the faults."""
        ...

    @contextmanager
    def translated(self) -> Generator[None]:
        """Raise what goes wrong meanwhile as an error of the backend, its cause chained."""
        try:
            yield
        except UnreadableRowError as exc:
            raise unreadable_row(self, exc) from exc
        except self.faults as exc:
            raise self.explain(exc) from exc


def failure(doing: object, advice: Advice, said: object) -> BackendError:
    """The error, with what the driver ``said`` behind the advice."""
    kind, why = advice
    return kind(f"{doing}: {why} ({said})")


def not_connected(backend: str, place: object) -> BackendUnavailableError:
    """The error of a backend that is used before ``connect`` or after ``close``."""
    return BackendUnavailableError(
        f"the {backend} backend is not connected to {place}; await its connect() first (Medha does so when it starts)"
    )


def other_dimension(doing: object, collection: str | None, said: object) -> CollectionMismatchError:
    """The error where the engine refuses a vector because of its length."""
    return CollectionMismatchError(
        f"{doing}: the collection {collection!r} holds vectors of another dimension; was it dropped and made anew "
        f"meanwhile? Initialize it again ({said})"
    )


def unreadable_row(doing: object, why: object) -> CorruptEntryError:
    """The error where a stored row cannot be an entry; ``why`` names the entry."""
    return CorruptEntryError(
        f"{doing}: {why}. Remove that entry (delete by its id does not read it) and store its question again"
    )
