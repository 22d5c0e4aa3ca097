"""How the guards' tests judge a pair: normalised as the cache does it, both ways round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha.guards import builtin_guards
from medha.models import CacheEntry, Candidate, Question
from medha.normalize import normalize

if TYPE_CHECKING:
    from collections.abc import Callable

    from medha.models import Verdict


def _verdicts(asked: Question, stored: Question, names: frozenset[str]) -> dict[str, Verdict]:
    entry = CacheEntry(
        id="stored",
        question=stored.text,
        normalized_question=stored.normalized,
        generated_query="SELECT 1",
        query_hash="",
        created_at=0.0,
    )
    candidate = Candidate(entry=entry, question=stored, similarity=0.97, now=0.0)
    return {guard.name: guard.verify(asked, candidate) for guard in builtin_guards() if guard.name in names}


@pytest.fixture(scope="session")
def objections() -> Callable[..., list[str]]:
    """The reasons against serving ``stored`` for ``asked``: of one guard, or of all. They must agree both ways."""
    every = frozenset(guard.name for guard in builtin_guards())

    def judge(asked: str, stored: str, guard: str | None = None) -> list[str]:
        names = every if guard is None else frozenset({guard})
        assert names <= every
        here, there = (Question(text, normalize(text)) for text in (asked, stored))
        forth, back = _verdicts(here, there, names), _verdicts(there, here, names)
        assert {n: v.accepted for n, v in forth.items()} == {n: v.accepted for n, v in back.items()}
        reasons = [verdict.reason for verdict in forth.values() if not verdict.accepted]
        assert all(reasons), "a rejection says why"
        return reasons

    return judge
