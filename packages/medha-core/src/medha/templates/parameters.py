"""The typed parameters of a template: which piece of a question may be their value, and what value it is."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

if TYPE_CHECKING:
    from medha.templates.phrases import Phrase

Value: TypeAlias = str | int | float | date
"""What is bound into a query."""

ParameterType: TypeAlias = Literal["string", "int", "float", "date", "enum", "identifier"]

PATTERN_SECONDS: Final = 0.05
"""A pattern that takes longer on one value, by backtracking, does not match it."""
_PLAIN_NUMBER: Final = re.compile(r"[-−]?[0-9]+(?:\.([0-9]+))?")
_THOUSANDS: Final = 3
"""Digits between two marks of thousands."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DATE_FORMATS: Final = ("%Y-%m-%d", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%B %d %Y", "%b %d %Y")


class Parameter(BaseModel):
    """A typed blank of a template.

    ``values`` is what an ``enum`` or ``identifier`` may be: a list, or a mapping of what people say to what the query
    holds. ``minimum`` and ``maximum`` bound numbers, inclusively. ``pattern`` is a regular expression that the text of
    the value must match as a whole. ``extractor`` is the name of an extractor, and ``label`` what it is asked for:
    then only what it labels so can be the value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    type: ParameterType = "string"
    values: dict[str, str] = Field(default_factory=dict)
    minimum: Annotated[float, Field(allow_inf_nan=False)] | None = None
    maximum: Annotated[float, Field(allow_inf_nan=False)] | None = None
    pattern: str | None = None
    extractor: str | None = None
    label: str | None = None

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a parameter name: letters, digits and '_', a letter first")
        return name

    @field_validator("values", mode="before")
    @classmethod
    def _said_and_stored(cls, values: Any) -> Any:
        return {each: each for each in cast("list[Any]", values)} if isinstance(values, list | tuple) else values

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            check_pattern(pattern, "the pattern")
        return pattern

    @model_validator(mode="after")
    def _fits_its_type(self) -> Parameter:
        listed, numeric = self.type in {"enum", "identifier"}, self.type in {"int", "float"}
        if listed and not all(said.strip() and stored for said, stored in self.values.items()):
            raise ValueError(f"{self.name!r}: an empty text can be none of its values")
        if listed != bool(self.values):
            rule = "needs values" if listed else "takes no values; make it an enum"
            raise ValueError(f"{self.name!r} is of type {self.type}, which {rule}")
        if not numeric and (self.minimum is not None or self.maximum is not None):
            raise ValueError(f"{self.name!r} is of type {self.type}; minimum and maximum are for numbers")
        if bool(self.extractor) != bool(self.label):
            raise ValueError(f"{self.name!r} needs both an extractor and the label to ask it for, or neither")
        if self.extractor is not None and (listed or numeric):
            raise ValueError(f"{self.name!r} is of type {self.type}, which needs no extractor to say where it ends")
        return self

    def number(self, phrase: Phrase, start: int) -> tuple[int, int | float] | None:
        """Where the number that begins at this piece ends, and its value."""
        written = _number_at(phrase, start)
        if written is None:
            return None
        end, number = written
        if self.type == "int" and number != int(number):
            return None
        value = int(number) if self.type == "int" else float(number)
        low = self.minimum is None or value >= self.minimum
        high = self.maximum is None or value <= self.maximum
        return (end, value) if low and high else None


def check_pattern(pattern: str, what: str) -> None:
    """Refuse what is not a regular expression."""
    import regex

    try:
        regex.compile(pattern)
    except regex.error as exc:
        raise ValueError(f"{what} is not a regular expression: {exc}") from exc


def matches_pattern(pattern: str, text: str) -> bool:
    """Whether the whole text matches; a pattern that backtracks for too long matches nothing."""
    import regex

    try:
        return regex.fullmatch(pattern, text, timeout=PATTERN_SECONDS) is not None
    except TimeoutError:
        return False


def _number_at(phrase: Phrase, start: int) -> tuple[int, Decimal] | None:
    from medha.guards.figures import canonical_number, spelled_number

    language = phrase.language
    spelled = spelled_number(phrase.low, start, language)
    if spelled is not None:
        text, end = spelled
    else:
        text, unit = canonical_number(phrase.raw[start], language, measure=False, amount=True)
        end = start + 1
        if unit is not None or text.endswith("."):  # "5km" is no bare number, nor is "3rd"
            return None
    # "1.000" is one or a thousand where no language shows, and "nan" no number that anybody means
    written = _PLAIN_NUMBER.fullmatch(text)
    if written is None or (not language.decimal and len(written[1] or "") == _THOUSANDS):
        return None
    try:
        return end, Decimal(text)
    except InvalidOperation:
        return None


def read_date(text: str) -> date | None:
    """A day that is written out: 2026-08-12, 12 August 2026, August 12, 2026. "Yesterday" and 08/12/2026 are none."""
    if not any(letter.isdigit() for letter in text):
        return None
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
    return None
