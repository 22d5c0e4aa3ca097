"""The one small filter language of the backend contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medha.models import CacheEntry, Metadata, Scalar, no_metadata

if TYPE_CHECKING:
    from collections.abc import Collection


def same_value(a: Scalar, b: Scalar) -> bool:
    """Exact equality of metadata values: ``True`` is not ``1``, ``10`` equals ``10.0``, ``"1"`` is not ``1``."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str) and a == b
    return a == b


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Conditions on entries, all joined by AND; an empty ``Where()`` matches every entry.

    ``ids`` matches any of them, and an empty collection of ids matches nothing. ``expired_at`` matches what has
    expired by that instant, in seconds since the epoch. ``metadata`` asks for exact equality per key
    (see ``same_value``); an entry that lacks the key never matches.
    """

    ids: Collection[str] | None = None
    normalized_question: str | None = None
    query_hash: str | None = None
    template_id: str | None = None
    expired_at: float | None = None
    metadata: Metadata = field(default_factory=no_metadata)

    def matches(self, entry: CacheEntry) -> bool:
        """Whether the entry fulfils every condition: the meaning that each backend's own filter must have."""
        return (
            (self.ids is None or entry.id in self.ids)
            and (self.normalized_question is None or entry.normalized_question == self.normalized_question)
            and (self.query_hash is None or entry.query_hash == self.query_hash)
            and (self.template_id is None or entry.template_id == self.template_id)
            and (self.expired_at is None or entry.expired(self.expired_at))
            and all(
                key in entry.metadata and same_value(entry.metadata[key], value) for key, value in self.metadata.items()
            )
        )
