"""The guard of dates and relative time: the same days, and none that was another day when the entry was stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medha.guards.rule import ReadingGuard, only_in, spelled_out
from medha.guards.timely import untimely
from medha.models import Verdict

if TYPE_CHECKING:
    from medha.guards.reading import Reading
    from medha.models import Candidate, Question


class DatesGuard(ReadingGuard):
    """Dates, months, days and words such as "yesterday" or "last week" must be equal."""

    name: ClassVar[str] = "dates"

    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        """Accept when both name the same days, and the candidate's query was not made for another one."""
        stale = untimely(candidate.entry, candidate.now, candidate.filters)
        return super().verify(question, candidate) if stale is None else Verdict(accepted=False, reason=stale)

    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """Days and times that only one of the questions names."""
        if asked.signs == stored.signs and asked.numbers == stored.numbers:
            return None
        ours, theirs = _moments(asked), _moments(stored)
        here, there = only_in(ours, theirs), only_in(theirs, ours)
        if here or there:
            return f"different dates or times: {spelled_out(here, there)}"
        return f"dates in another order: {', '.join(ours)} / {', '.join(theirs)}" if ours != theirs else None


def _moments(reading: Reading) -> list[str]:
    """What the question says of time: "2026-08-12", "may", "yesterday", "last week"."""
    signs = reading.language.signs
    found = [number for number in reading.numbers if any(mark in number[1:] for mark in "-/:")]
    for word, scope in reading.signs:
        if word in signs.days or word in signs.spans:
            found.append(word)
        elif word in signs.steps and (scope in signs.spans or scope in signs.days):
            found.append(f"{word} {scope}")
    return found
