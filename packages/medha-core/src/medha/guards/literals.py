"""The literals of a query in any language, and the dates among them; scanned, not parsed, and rather too many."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_LITERAL: Final = re.compile(
    r"""(?P<operator>(?:[=<>~]|!=|\bin\s*\(|\blike|\bbetween|\band|:)\s*)?
    (?P<rows>\b(?:limit|top|offset|skip|first|fetch\s+next)\s*\(?\s*)?
    (?: '(?P<single>(?:[^']|'')*)' | "(?P<double>(?:[^"]|"")*)"
      | (?<![\w.$@:])(?P<number>\d[\d_]*(?:\.\d+)?)(?![\w.]) )
    (?P<behind>\s*[=<>!~])?""",
    re.VERBOSE | re.IGNORECASE,
)
_WORD: Final = re.compile(r"[^\W_]+")
_YEAR: Final = re.compile(r"(?<!\d)(1[6-9]\d\d|20\d\d|21\d\d)(?!\d)")
_COMPACT: Final = re.compile(r"(?<!\d)(19\d\d|20\d\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)")
_SHORT: Final = re.compile(r"(?<!\d)\d{1,2}([-/.])(?:\d{1,2}|[A-Za-z]{3,9})\1(\d\d)(?!\d)")
_EPOCH: Final = re.compile(r"(?<!\d)([12]\d{9})(\d{3})?(?!\d)")
_CLOCK: Final = re.compile(r"(?<!\d)([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d|60))?")
_MIDNIGHTS: Final = {("00", "00", None), ("00", "00", "00"), ("0", "00", None), ("23", "59", None), ("23", "59", "59"),
                     ("24", "00", None), ("24", "00", "00")}  # fmt: skip
_MOVES: Final = re.compile(
    r"""\b(?: current_?(?:date|timestamp|time|datetime) | local_?(?:timestamp|time) | get(?:utc)?date | sysdate
      | sys(?:utc)?datetime(?:offset)? | systimestamp | curdate | curtime | utc_(?:date|timestamp|time) )\b
    | \b(?:now|today|yesterday|tomorrow)\s*\(
    | \b(?:date|datetime|localdatetime|localtime|time|timestamp|zoned_datetime)\s*\(\s*\)
    | ["'](?:now|today|yesterday|tomorrow)["'] """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Literal:
    """One literal of a query."""

    words: frozenset[str]
    """Its words and numbers, in lower case."""
    years: tuple[int, ...]
    """The years of the dates in it; empty for what is no date."""
    moment: bool
    """Whether it is a date with a time of day."""
    compared: bool
    """Whether it is beside an operator or a colon: a value to compare with, not the width of an interval."""
    digits: bool


def literals_in(query: str) -> list[Literal]:
    """Strings in single or double quotes (which may be names as well) and numbers."""
    found: list[Literal] = []
    for match in _LITERAL.finditer(query):
        number = match["number"]
        if number and match["rows"]:
            continue
        text = number or (match["single"] if match["single"] is not None else match["double"])
        if match["double"] is not None and not any(map(str.isdigit, text)):
            # a column, most likely
            continue
        years = dates_in(text)
        found.append(
            Literal(
                words=frozenset(word.lower() for word in _WORD.findall(text)),
                years=years,
                moment=bool(years) and _is_moment(text),
                compared=bool(match["operator"] or match["behind"]),
                digits=any(map(str.isdigit, text)),
            )
        )
    return found


def dates_in(text: str) -> tuple[int, ...]:
    """The years of the dates that a literal holds, a bare year and seconds since the epoch among them."""
    years = [int(year) for year in _YEAR.findall(text)]
    years += [int(year) for year in _COMPACT.findall(text)]
    years += [2000 + int(year) for _, year in _SHORT.findall(text)]
    years += [datetime.fromtimestamp(int(seconds), UTC).year for seconds, _ in _EPOCH.findall(text)]
    return tuple(years)


def _is_moment(text: str) -> bool:
    if any(int(seconds) % 86_400 not in {0, 86_399} for seconds, _ in _EPOCH.findall(text)):
        return True
    return any((hour, minute, second or None) not in _MIDNIGHTS for hour, minute, second in _CLOCK.findall(text))


def moves_with_the_clock(query: str) -> bool:
    """Whether the query asks its database what day it is."""
    return _MOVES.search(query) is not None
