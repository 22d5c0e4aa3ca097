"""Two questions side by side, without a cache: what a test of a word list, or a page about a guard, asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medha.guards import builtin_guards
from medha.models import CacheEntry, Candidate, Question
from medha.normalize import normalize

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medha.guard import Guard


def objection(
    asked: str,
    stored: str,
    query: str = "",
    *,
    created_at: float = 0.0,
    now: float | None = None,
    guards: Iterable[Guard] | None = None,
) -> str | None:
    """The first guard that would not serve the stored question's answer, as "name: reason"; ``None`` if all accept.

    Without ``guards`` the built-in ones are asked, in their order. ``created_at`` and ``now`` are seconds since the
    epoch; without ``now`` nothing that was made for a certain day is served.
    """
    question, other = Question(asked, normalize(asked)), Question(stored, normalize(stored))
    entry = CacheEntry(
        id="compared",
        question=stored,
        normalized_question=other.normalized,
        generated_query=query,
        query_hash="",
        created_at=created_at,
    )
    candidate = Candidate(entry=entry, question=other, similarity=1.0, now=now)
    for guard in builtin_guards() if guards is None else guards:
        verdict = guard.verify(question, candidate)
        if not verdict.accepted:
            return f"{guard.name}: {verdict.reason}"
    return None
