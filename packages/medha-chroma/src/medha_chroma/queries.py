"""The conditions of Medha as filters of Chroma."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from medha.facts import facts, instant
from medha.where import Where

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

FACTS: Final = "facts"
"""The field that holds one token for each thing that ``Where`` may ask to be equal."""
EXPIRES: Final = "expires"
PLACE: Final = "place"

LAST_PLACE: Final = 2**63 - 1


class Condition(NamedTuple):
    """What records must fulfil; instants and places are whole numbers, the range of places is without its start."""

    ids: Collection[str] | None = None
    tokens: Sequence[str] = ()
    expired_at: int | None = None
    alive_at: int | None = None
    after: int = -1
    until: int = LAST_PLACE

    @property
    def filter(self) -> dict[str, Any] | None:
        """For Chroma, all of it but the ids; ``None`` is everything."""
        parts: list[dict[str, Any]] = [{FACTS: {"$contains": token}} for token in self.tokens]
        if self.expired_at is not None:
            parts.append({EXPIRES: {"$lte": self.expired_at}})
        if self.alive_at is not None:
            parts.append({EXPIRES: {"$gt": self.alive_at}})
        if self.after >= 0:
            parts.append({PLACE: {"$gt": self.after}})
        if self.until < LAST_PLACE:
            parts.append({PLACE: {"$lte": self.until}})
        if len(parts) > 1:
            return {"$and": parts}
        return parts[0] if parts else None

    def accepts(self, fields: Mapping[str, Any]) -> bool:
        """Whether the fields of a record fulfil all of it but the ids."""
        expires, where = fields.get(EXPIRES), fields.get(PLACE)
        return (
            isinstance(expires, int)
            and isinstance(where, int)
            and (self.expired_at is None or expires <= self.expired_at)
            and (self.alive_at is None or expires > self.alive_at)
            and self.after < where <= self.until
            and set(self.tokens) <= set(fields.get(FACTS) or ())
        )


def matching(
    where: Where | None, *, alive_at: float | None = None, after: int = -1, until: int = LAST_PLACE
) -> Condition:
    """What fulfils the conditions, has not expired, and has a place in the range."""
    asked = Where() if where is None else where
    tokens = facts(
        normalized_question=asked.normalized_question,
        query_hash=asked.query_hash,
        template_id=asked.template_id,
        metadata=asked.metadata,
    )
    expired_at = None if asked.expired_at is None else instant(asked.expired_at)
    alive = None if alive_at is None else instant(alive_at)
    return Condition(asked.ids, tuple(tokens), expired_at, alive, after, until)
