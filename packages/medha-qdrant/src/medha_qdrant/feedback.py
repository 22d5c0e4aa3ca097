"""Counting in an engine that has no counters: compare and set, by a filter on the revision that was read."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from qdrant_client import models

from medha.errors import BackendWriteError
from medha_qdrant.points import counters, unreadable
from medha_qdrant.queries import REVISION, is_point_id, unchanged

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient

_EARLIER: Final = "earlier_revisions"
_KEPT: Final = 32
"""Earlier writers whose latest revision is kept in an entry."""


def new_writer() -> str:
    """A name that no other backend has."""
    return secrets.token_hex(6)


def new_revision(writer: str) -> str:
    """A token that no other write has, and that says whose it is."""
    return f"{writer}.{secrets.token_hex(6)}"


def _writer_of(revision: str) -> str:
    return revision.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Tally:
    """The counters of an entry, the write that set them, and the latest write of each who wrote before it.

    Storing the entry begins anew.
    """

    counters: tuple[int, int]
    revision: str
    earlier: tuple[str, ...]

    def plus(self, correct: int, incorrect: int, writer: str) -> Tally:
        """The tally after one more write."""
        added = self.counters[0] + correct, self.counters[1] + incorrect
        others = [revision for revision in (self.revision, *self.earlier) if _writer_of(revision) != writer]
        return Tally(added, new_revision(writer), tuple(others[:_KEPT]))

    def comes_after(self, revision: str) -> bool:
        """Whether that write is among those that led here, and its writer's latest."""
        return revision == self.revision or revision in self.earlier

    def may_have_forgotten(self, writer: str) -> bool:
        """Whether that writer may have written, and so many others since that nothing tells of it."""
        kept = (self.revision, *self.earlier)
        return len(self.earlier) >= _KEPT and writer not in map(_writer_of, kept)

    @property
    def payload(self) -> dict[str, Any]:
        """What of the entry's payload is written."""
        correct, incorrect = self.counters
        return {
            "feedback_correct": correct,
            "feedback_incorrect": incorrect,
            REVISION: self.revision,
            _EARLIER: list(self.earlier),
        }


class Adding(NamedTuple):
    """What is added to which entry; ``source`` names its collection in messages."""

    name: str
    entry_id: str
    correct: int
    incorrect: int
    writer: str
    source: str


async def add(client: AsyncQdrantClient, adding: Adding) -> tuple[int, int] | None:
    """Add to the counters; other writers, in this process or another, may do the same at the same time.

    A write has an effect only if the revision is still the one that was read. Whether it had is told by
    reading again: its own revision is then the entry's, or among the earlier ones that others wrote on top of.
    One backend must not do it twice at a time for one entry.
    """
    before = await _read(client, adding)
    while before is not None and (adding.correct or adding.incorrect):
        after = before.plus(adding.correct, adding.incorrect, adding.writer)
        await client.set_payload(
            adding.name,
            payload=after.payload,
            points=unchanged(adding.entry_id, before.revision),
            wait=True,
            # in a cluster, one replica decides the order
            ordering=models.WriteOrdering.STRONG,
        )
        now = await _read(client, adding)
        if now is None or now.comes_after(after.revision):
            return None if now is None else after.counters
        if now.may_have_forgotten(adding.writer) and not now.comes_after(before.revision):
            raise BackendWriteError(
                f"counting feedback for {adding.entry_id!r} in {adding.source}: over {_KEPT} other processes counted "
                "before the outcome could be read, so that it is not known whether this one counted. Read the entry"
            )
        before = now
    return None if before is None else before.counters


async def _read(client: AsyncQdrantClient, adding: Adding) -> Tally | None:
    fields = ["feedback_correct", "feedback_incorrect", REVISION, _EARLIER]
    ids = [adding.entry_id] if is_point_id(adding.entry_id) else []
    found = await client.retrieve(adding.name, ids, with_payload=fields)
    if not found:
        return None
    payload: dict[str, Any] = found[0].payload or {}
    try:
        earlier = cast("list[str]", payload.get(_EARLIER, []))
        return Tally(counters(payload), str(payload[REVISION]), tuple(earlier))
    except (KeyError, TypeError) as exc:
        raise unreadable(found[0], adding.source, exc) from exc
