"""Words that a rule of its own looks at: what they are in a language, and where they stand in a question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence


@dataclass(frozen=True, slots=True, eq=False)
class Signs:
    """The word lists of the rules, each word in every form in which it may be a token."""

    ordering: frozenset[str]
    """"by", "per", "sorted", "grouped"."""
    aggregation: frozenset[str]
    asking: frozenset[str]
    """"who", "when": what kind of thing is asked for."""
    yes_no: frozenset[str]
    """A question that opens with one of these wants a yes or a no."""
    days: frozenset[str]
    """Months, days of the week, and words such as "today" that are dates by themselves."""
    steps: frozenset[str]
    """"last", "this", "past": beside a unit of time they make a date that moves."""
    spans: frozenset[str]
    """Units of time."""
    measures: frozenset[str]
    every: frozenset[str]

    @classmethod
    def of(cls, data: Mapping[str, Any], measures: Collection[str], singular: Callable[[str], str]) -> Signs:
        """The lists in a language's data file; ``singular`` gives a word without the ending of its plural."""
        synonyms: Mapping[str, str] = data.get("synonyms", {})

        def tokens(words: Collection[str]) -> frozenset[str]:
            return frozenset(words).union(map(singular, words))

        def listed(table: str, *names: str) -> frozenset[str]:
            words = " ".join(data.get(table, {}).get(name, "") for name in names).split()
            # "min" is minutes beside a number
            return tokens(words if table == "time" else [*words, *(synonyms.get(word, word) for word in words)])

        ordering = listed("ordering", "words")
        aggregation = listed("aggregation", "words")
        asking = listed("asking", "kinds")
        yes_no = listed("asking", "yes_no")
        days = listed("time", "months", "weekdays", "relative", "rates", "instants")
        steps, spans = listed("time", "steps"), listed("time", "spans", "short_spans")
        return cls(
            ordering=ordering,
            aggregation=aggregation,
            asking=asking,
            yes_no=yes_no,
            days=days,
            steps=steps,
            spans=spans,
            measures=tokens(measures),
            every=ordering | aggregation | asking | days | steps | spans,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Moving:
    """The words, as they are written, that make a date which moves with the clock."""

    relative: frozenset[str]
    """Such a date by itself: "yesterday"."""
    steps: frozenset[str]
    spans: frozenset[str]
    short_spans: frozenset[str]
    """Units so short that the date is another one before the day is over."""
    instants: frozenset[str]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Moving:
        """The lists in a language's data file."""
        time: Mapping[str, str] = data.get("time", {})

        def listed(*names: str) -> frozenset[str]:
            return frozenset(" ".join(time.get(name, "") for name in names).split())

        return cls(
            relative=listed("relative"),
            steps=listed("steps"),
            spans=listed("spans", "months", "weekdays"),
            short_spans=listed("short_spans"),
            instants=listed("instants"),
        )


def chosen(signs: Sequence[tuple[str, str]], words: Collection[str]) -> list[tuple[str, str]]:
    """Those signs, each with what it bears on, that are among these words."""
    return [sign for sign in signs if sign[0] in words]
