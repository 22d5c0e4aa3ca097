"""Feedback counters for engines that cannot count in one step.

Each writer keeps a tally of its own beside the entry, as one more row, and only ever writes that one: no two of them
overwrite each other, and the counters of an entry are its own and all its tallies together. A tally belongs to one
revision of its entry: storing the entry again makes a new revision, and the old tallies count no more.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias
from weakref import WeakValueDictionary

from medha.rows import from_row

if TYPE_CHECKING:
    from medha.models import CacheEntry

Row: TypeAlias = Mapping[str, Any]

ENTRY: Final = "entry"
TALLY: Final = "tally"
PLACE_FIELDS: Final = ("part", "owner", "revision", "rated", "writer")
"""What a row says of itself beside the entry: ``part`` is one of the two above; ``owner`` the engine's key of the
entry; ``rated`` on an entry, whether there may be tallies; ``writer`` on a tally, whose it is."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What one writer counted for one revision of an entry."""

    owner: str
    revision: str
    writer: str
    correct: int = 0
    incorrect: int = 0

    @property
    def key(self) -> str:
        """The key of its row, the same each time it is written."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.owner}/{self.revision}/{self.writer}"))

    @property
    def row(self) -> dict[str, Any]:
        """The row itself; it has no vector, so that no search meets it."""
        return {
            "part": TALLY,
            "owner": self.owner,
            "revision": self.revision,
            "writer": self.writer,
            "feedback_correct": self.correct,
            "feedback_incorrect": self.incorrect,
        }


class TallyPlace(Protocol):
    """Where an entry lies, as ``Tallying`` needs it."""

    async def with_tallies(self, owner: str) -> list[Row]:
        """The row of the entry, if there is one, and those of its tallies."""
        ...

    async def mark_rated(self, owner: str) -> bool:
        """Set ``rated`` on the entry, and nothing else; false when there is no such entry."""
        ...

    async def put_tally(self, tally: Tally) -> None:
        """Store the tally in place of the one with its key."""
        ...


class Tallying:
    """One writer: it adds to its own tallies, to one entry at a time."""

    def __init__(self) -> None:
        self._writer = uuid.uuid4().hex
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    async def add(
        self, place: TallyPlace, collection: str, owner: str, correct: int, incorrect: int
    ) -> tuple[int, int] | None:
        """Add to the counters, and return them; ``None`` when there is no such entry."""
        lock = self._locks.setdefault((collection, owner), asyncio.Lock())
        async with lock:
            rows = await place.with_tallies(owner)
            found = counted(rows)
            if not found:
                return None
            (entry,) = found
            (row,) = (row for row in rows if row["part"] == ENTRY)
            if correct or incorrect:
                if not row["rated"] and not await place.mark_rated(owner):
                    return None
                own = Tally(owner, row["revision"], self._writer)
                for tally in tallies_in(rows):
                    if tally.key == own.key:
                        own = tally
                await place.put_tally(replace(own, correct=own.correct + correct, incorrect=own.incorrect + incorrect))
            return entry.feedback_correct + correct, entry.feedback_incorrect + incorrect


def counted(rows: Iterable[Row]) -> list[CacheEntry]:
    """The entries among the rows, each with what its tallies among them count."""
    rows = list(rows)
    sums: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for tally in tallies_in(rows):
        counts = sums[tally.owner, tally.revision]
        counts[0] += tally.correct
        counts[1] += tally.incorrect
    return [_with_sum(from_row(row), sums.get((row["owner"], row["revision"]))) for row in rows if row["part"] == ENTRY]


def tallies_in(rows: Iterable[Row]) -> list[Tally]:
    """The tallies among the rows."""
    return [
        Tally(row["owner"], row["revision"], row["writer"], row["feedback_correct"], row["feedback_incorrect"])
        for row in rows
        if row["part"] == TALLY
    ]


def _with_sum(entry: CacheEntry, counts: list[int] | None) -> CacheEntry:
    if counts is None:
        return entry
    return replace(
        entry,
        feedback_correct=entry.feedback_correct + counts[0],
        feedback_incorrect=entry.feedback_incorrect + counts[1],
    )
