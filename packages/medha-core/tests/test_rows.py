"""An entry comes back out of its row as it was, and tokens are equal exactly when the values are."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medha import CacheEntry, Where
from medha.rows import UnreadableRowError, from_row, metadata_token, to_row, tokens_asked, tokens_of
from medha.where import same_value

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.one_of(TEXTS, st.booleans(), st.integers(-(2**70), 2**70), NUMBERS, st.integers(-9, 9).map(float))
METADATA = st.dictionaries(TEXTS, SCALARS, max_size=4)


def entry_of(**fields: Any) -> CacheEntry:
    values: dict[str, Any] = {
        "id": "1",
        "question": "How many albums are there?",
        "normalized_question": "how many albums are there",
        "generated_query": "SELECT 1",
        "query_hash": "h",
        "created_at": 1.5,
        "vector": np.array([0.6, 0.8], dtype=np.float32),
    }
    return CacheEntry(**(values | fields))


@given(TEXTS, METADATA, NUMBERS, st.one_of(st.none(), NUMBERS), st.one_of(st.none(), TEXTS), st.integers(0, 2**53))
def test_an_entry_comes_back_as_it_was(
    text: str, metadata: dict[str, Any], created_at: float, expires_at: float | None, template: str | None, count: int
) -> None:
    entry = entry_of(
        id=text,
        question=text,
        metadata=metadata,
        created_at=created_at,
        expires_at=expires_at,
        template_id=template,
        feedback_correct=count,
    )
    back = from_row(json.loads(json.dumps(to_row(entry))))
    assert back == entry
    assert [type(value) for value in back.metadata.values()] == [type(value) for value in metadata.values()]
    assert entry.vector is not None
    assert back.vector is not None
    assert back.vector.tobytes() == entry.vector.tobytes()


@given(SCALARS, SCALARS)
def test_two_values_have_one_token_exactly_when_they_are_the_same(a: Any, b: Any) -> None:
    assert (metadata_token("key", a) == metadata_token("key", b)) is same_value(a, b)
    assert metadata_token("key", a) != metadata_token("other", a)


@given(METADATA, METADATA, TEXTS, TEXTS)
def test_an_entry_has_the_tokens_asked_for_exactly_when_the_conditions_match(
    has: dict[str, Any], asked: dict[str, Any], question: str, other: str
) -> None:
    entry = entry_of(normalized_question=question, metadata=has)
    for where in (Where(normalized_question=other), Where(metadata=asked), Where(metadata=has, query_hash="h")):
        assert (set(tokens_asked(where)) <= set(tokens_of(entry))) is where.matches(entry)


def test_a_long_text_has_a_short_token_of_its_own() -> None:
    tokens = {tokens_asked(Where(normalized_question=text))[0] for text in ("x" * 1000, "x" * 1001, "x")}
    assert len(tokens) == 3
    assert max(map(len, tokens)) < 100


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ({"question": 5}, "a int in the field 'question'"),
        ({"generated_query": None}, "nothing in the field 'generated_query'"),
        ({"feedback_correct": True}, "a bool in the field 'feedback_correct'"),
        ({"metadata": "{"}, "not JSON"),
        ({"metadata": "[]"}, "not a JSON object"),
        ({"metadata": '{"a": []}'}, "not flat"),
        ({"vector_bits": "AAA"}, "no base64"),
        ({"vector_bits": None}, "no base64"),
        ({"vector_bits": "AAAAAA=="}, "not length 1"),
    ],
)
def test_a_damaged_row_is_an_error_that_names_it_and_shows_no_question(damage: dict[str, Any], says: str) -> None:
    row = to_row(entry_of()) | damage
    with pytest.raises(UnreadableRowError, match=says) as caught:
        from_row(row)
    assert "'1'" in str(caught.value)
    assert "albums" not in str(caught.value)
