"""Tokens and instants: equal and ordered exactly as what they stand for."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from medha import same_value
from medha_conformance.corpus import HOSTILE_KEYS, HOSTILE_TEXTS
from medha_qdrant.queries import facts, instant, is_point_id

finite = st.floats(allow_nan=False, allow_infinity=False)
scalars: st.SearchStrategy[Any] = st.one_of(
    st.booleans(),
    st.sampled_from([0, 1, 10, -1, 10.0, 1.0, 0.0, -0.0, 0.1, 1e300, 2**53, 2**53 + 1, float(2**53), 10**30]),
    st.sampled_from(["", "1", "10", "True", "true", "n1", "10.0", "null", *HOSTILE_TEXTS.values()]),
    st.integers(),
    finite,
)
keys = st.sampled_from(HOSTILE_KEYS)


@given(finite, finite)
def test_instants_are_ordered_as_their_floats(one: float, other: float) -> None:
    assert (instant(one) < instant(other)) == (one < other)
    assert (instant(one) == instant(other)) == (one == other)


@given(finite)
def test_the_next_float_is_a_later_instant_and_both_parts_are_exact_as_floats(seconds: float) -> None:
    assert instant(seconds) < instant(math.nextafter(seconds, math.inf))
    assert all(int(float(part)) == part for part in instant(seconds))


@given(keys, scalars, keys, scalars)
def test_metadata_tokens_are_equal_exactly_when_key_and_value_are(
    key: str, value: Any, other_key: str, other: Any
) -> None:
    same = facts(metadata={key: value}) == facts(metadata={other_key: other})
    assert same == (key == other_key and same_value(value, other))


def test_a_token_of_one_field_is_never_that_of_another() -> None:
    texts = [*HOSTILE_TEXTS.values(), "q", "h", "t", "m"]
    tokens = [
        *(facts(normalized_question=text, metadata={}) for text in texts),
        *(facts(query_hash=text, metadata={}) for text in texts),
        *(facts(template_id=text, metadata={}) for text in texts),
        *(facts(metadata={key: text}) for key in HOSTILE_KEYS for text in texts),
    ]
    assert len({token for (token,) in tokens}) == len(tokens)


@given(st.uuids(), st.text())
def test_only_the_one_spelling_of_a_uuid_is_a_point_id(uuid: Any, text: str) -> None:
    assert is_point_id(str(uuid))
    assert not is_point_id(f"{uuid}\n")
    assert not is_point_id(uuid.hex)
    assert not is_point_id(text)
