"""What backends compare instead of the values themselves."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from medha import same_value
from medha.facts import NEVER, facts, instant, place

SECONDS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.text() | st.booleans() | st.integers() | SECONDS


@given(SECONDS, SECONDS)
def test_instants_are_ordered_exactly_as_the_seconds(one: float, other: float) -> None:
    assert (instant(one) < instant(other)) == (one < other)
    assert (instant(one) == instant(other)) == (one == other)


@given(SECONDS)
def test_an_instant_is_a_whole_number_of_64_bits_before_never(seconds: float) -> None:
    assert -(2**63) <= instant(seconds) < NEVER == instant(None)
    assert (instant(math.nextafter(seconds, -math.inf)) < instant(seconds)) or math.isinf(
        math.nextafter(seconds, -math.inf)
    )


@given(SCALARS, SCALARS)
def test_tokens_are_equal_exactly_when_values_are(one: str | float, other: str | float) -> None:
    assert (facts(metadata={"key": one}) == facts(metadata={"key": other})) == same_value(one, other)


def test_kinds_and_keys_are_told_apart() -> None:
    tokens = [
        *facts(normalized_question="x", query_hash="x", template_id="x", metadata={"x": "x", "xx": "", "": "xx"}),
        *facts(metadata={"x": True, "one": 1}),
    ]
    assert len(set(tokens)) == len(tokens) == 8
    assert all(len(token) == 32 and set(token) <= set("0123456789abcdef") for token in tokens)
    assert facts(metadata={}) == []


@given(st.text(), st.text())
def test_places_are_whole_numbers_of_63_bits(one: str, other: str) -> None:
    assert 0 <= place(one) < 2**63
    assert (place(one) == place(other)) == (one == other)
