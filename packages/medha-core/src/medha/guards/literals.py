"""The literals of a query in any language, and the dates among them; scanned, not parsed, and rather too many."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, NamedTuple

_LITERAL: Final = re.compile(
    r"""'((?:[^']|'')*)' | "((?:[^"]|"")*)" | (?<![\w.$@:])(\d[\d_]*(?:\.\d+)?)(?![\w.])""", re.VERBOSE
)
_BEFORE: Final = 16
"""How many characters before a literal may hold its operator."""
_OPERATOR: Final = re.compile(r"\b(?:in\s*\(|like|between|and)$", re.IGNORECASE)
_NAMED_BEFORE: Final = 48
"""How many characters before a literal may hold the name of what it is compared with."""
_HOUR: Final = re.compile(r"(?:hour|minute|second|time|clock)\w*[^\w'][^'\w]*(?:between\s+|in\s*\()?$", re.IGNORECASE)
_ROWS: Final = re.compile(r"\b(?:limit|top|offset|skip|first|next)\s*\(?$", re.IGNORECASE)
_COMPARISONS: Final = frozenset("=<>!~:")
_WORD: Final = re.compile(r"[^\W_]+")
_YEAR: Final = re.compile(r"(?<!\d)(1[6-9]\d\d|20\d\d|21\d\d)(?!\d)")
_COMPACT: Final = re.compile(r"(?<!\d)(19\d\d|20\d\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)")
_SHORT: Final = re.compile(r"(?<!\d)\d{1,2}([-/.])(?:\d{1,2}|[A-Za-z]{3,9})\1(\d\d)(?!\d)")
_EPOCH: Final = re.compile(r"(?<!\d)([12]\d{9})(\d{3})?(?!\d)")
_MAY_BE_DATED: Final = re.compile(r"\d(?:\d{3}|\d?[-/.])")
"""What every one of the dates above holds, found in a tenth of the time."""
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


class Literal(NamedTuple):
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
    text: str
    before: str
    """What stands in front of it, as far as a name and an operator reach."""

    @property
    def may_be_an_hour(self) -> bool:
        """Whether it may be a time of day: by its form, by the name of what it is compared with, or in a range."""
        if not self.digits:
            return False
        if _CLOCK.search(self.text) or _HOUR.search(self.before):
            return True
        in_range = self.before.rstrip("= ").endswith(("<", ">"))
        return in_range and self.text.isdecimal() and 1 <= int(self.text) <= 24


def literals_in(query: str) -> list[Literal]:
    """Strings in single or double quotes (which may be names as well) and numbers."""
    found: list[Literal] = []
    for match in _LITERAL.finditer(query):
        single, double, number = match.groups()
        text = number or (single if single is not None else double)
        digits = number is not None or any(map(str.isdigit, text))
        before = query[max(0, match.start() - _BEFORE) : match.start()].rstrip()
        if (double is not None and not digits) or (number and _ROWS.search(before)):
            # a column, most likely, or how many rows
            continue
        years = dates_in(text) if digits else ()
        found.append(
            Literal(
                words=frozenset(_WORD.findall(text.lower())),
                years=years,
                moment=bool(years) and _is_moment(text),
                compared=before[-1:] in _COMPARISONS
                or query[match.end() : match.end() + 3].lstrip()[:1] in _COMPARISONS
                or _OPERATOR.search(before) is not None,
                digits=digits,
                text=text,
                before=query[max(0, match.start() - _NAMED_BEFORE) : match.start()],
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


def may_hold_a_date(query: str) -> bool:
    """Whether any literal of the query may be a date; where not, none is."""
    return _MAY_BE_DATED.search(query) is not None


def moves_with_the_clock(query: str) -> bool:
    """Whether the query asks its database what day it is."""
    return _MOVES.search(query) is not None
