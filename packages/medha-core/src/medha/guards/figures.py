"""Numbers in one canonical form: "5", "five", "5.0"; "2,000", "2k", "two thousand"; "3rd", "third"."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.guards.language import Language

_PLAIN: Final = re.compile(r"([-−]?)([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)?(\.[0-9]+)?")
_MARKS: Final = ",."
"""What ``_PLAIN`` takes for the marks of thousands and of fractions."""
_WITH_ENDING: Final = re.compile(r"(.*?[0-9])([^\W\d_]+)", re.DOTALL)


def canonical_number(piece: str, language: Language, *, measure: bool, amount: bool) -> tuple[str, str | None]:
    """A written number in canonical form and the unit that hung on it; a date, a time or a code stays as it is.

    The last zero of "1.10" counts unless it is a measure, and "4k" is 4000 only if it is an amount.
    """
    piece = _with_plain_marks(piece, language)
    plain = _plain(piece, language, zeros=not measure)
    split = _WITH_ENDING.fullmatch(piece) if plain is None else None
    value = _plain(split[1], language) if split else None
    if split is None or value is None:
        return plain or piece, None
    ending = split[2]
    if ending in language.thousand and amount:
        return _shortest(Decimal(value) * 1000), None
    if ending.lower() in language.ordinal_endings:
        return ordinal(value), None
    return (value, ending) if ending in language.units else (piece, None)


def ordinal(value: int | str) -> str:
    """The canonical form of "3rd" and "third": never equal to a count."""
    return f"{value}."


def spelled_number(words: Sequence[str], start: int, language: Language) -> tuple[str, int] | None:
    """The number that the words from ``start`` on spell ("two thousand five", "2.5 million") and where it ends."""
    total = Decimal(0)
    current: Decimal | None = None
    index = start
    while index < len(words):
        word = words[index]
        scale = language.scales.get(word)
        if scale is not None and current:
            current *= scale
            if scale > 100:
                total, current = total + current, Decimal(0)
        elif current is None and word not in language.numbers:
            plain = _plain(_with_plain_marks(word, language), language)
            if plain is None:
                return None
            current = Decimal(plain)
        elif word in language.numbers and _continues(current, language.numbers[word]):
            current = (current or Decimal(0)) + language.numbers[word]
        else:
            break
        index += 1
    return None if current is None else (_shortest(total + current), index)


def _continues(current: Decimal | None, value: int) -> bool:
    """Whether "five" goes on after what was read: after "twenty" and "two hundred", not after "three"."""
    if not current:
        return True
    if current != int(current) or value == 0:
        return False
    return (current % 100 == 0 and value < 100) or (current % 100 >= 20 and current % 10 == 0 and value < 10)


def _with_plain_marks(piece: str, language: Language) -> str:
    """The piece with the marks that ``_PLAIN`` knows, also when it is no number: "2.5" is none where commas part it."""
    marks = language.grouping + language.decimal
    return piece if marks in {"", _MARKS} else piece.translate(str.maketrans(marks, _MARKS))


def _plain(piece: str, language: Language, *, zeros: bool = False) -> str | None:
    """The number in its shortest form, or with the zeros at its end."""
    if not language.decimal and not piece.isdecimal():
        # "1,500" may be more than a thousand, or one and a half
        return None
    found = _PLAIN.fullmatch(piece)
    if found is None or not (found[2] or found[3]):
        return None
    sign, whole, fraction = found[1], found[2] or "0", found[3] or ""
    if len(whole) > 1 and whole[0] == "0":
        return None
    fraction = fraction if zeros else fraction.rstrip("0").rstrip(".")
    value = whole.replace(",", "") + fraction
    return f"-{value}" if sign and value != "0" else value


def _shortest(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
