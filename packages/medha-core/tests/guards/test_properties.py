"""What holds for any text: equal questions agree, verdicts are symmetric, nothing raises, long texts cost no more."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medha.descriptors import GuardPlugin
from medha.guards import GUARD_PLUGINS, builtin_guards
from medha.guards.reading import LONGEST, read
from medha.guards.scan import pieces
from medha.models import CacheEntry, Candidate, Question
from medha.normalize import normalize
from medha.plugins import installed_plugins

GUARDS: Final = builtin_guards()

_QUESTIONS: Final = sorted(
    {
        json.loads(line)[side]
        for name in ("near_misses.jsonl", "rephrasings.jsonl")
        for line in Path(__file__).with_name(name).read_text("utf-8").splitlines()
        for side in ("one", "other")
    }
)
_WORDS: Final = sorted({word for question in _QUESTIONS for word in question.split()})
_texts = st.one_of(
    st.text(max_size=60),
    st.sampled_from(_QUESTIONS),
    st.lists(st.sampled_from(_WORDS), min_size=1, max_size=8).map(" ".join),
    st.text(alphabet="aA1 ,.\u2019'\"-\u201c\u201d\u00ab`%$(\u0301\U0001f3b8\u05d0\u200f", max_size=40),
)


def _accepted(asked: str, stored: str) -> list[bool]:
    entry = CacheEntry(
        id="stored",
        question=stored,
        normalized_question=stored,
        generated_query="SELECT 1",
        query_hash="",
        created_at=0.0,
    )
    candidate = Candidate(entry=entry, question=Question(stored, stored), similarity=0.9, now=0.0)
    return [guard.verify(Question(asked, asked), candidate).accepted for guard in GUARDS]


@given(_texts)
def test_an_equal_question_is_always_accepted(text: str) -> None:
    assert all(_accepted(text, text))


@given(_texts, _texts)
def test_verdicts_are_symmetric(one: str, other: str) -> None:
    assert _accepted(one, other) == _accepted(other, one)


@given(_texts)
def test_a_reading_loses_no_word_that_is_not_listed(text: str) -> None:
    reading = read(text)
    if not reading.language.code:
        kept = [piece for piece in pieces(text) if piece[0].isalnum()]
        assert len(kept) <= len(reading.tokens)


@given(
    st.sampled_from(_QUESTIONS), st.integers(0, 30), st.sampled_from(["red", "Oslo", "17", "'x'", "not", "\U0001f3b8"])
)
def test_a_word_put_into_a_question_makes_it_another(question: str, place: int, word: str) -> None:
    words = normalize(question).split()
    grown = " ".join([*words[:place], word, *words[place:]])

    assert not all(_accepted(normalize(question), grown))


@given(
    st.sampled_from(
        [
            "list the {} from {} to {} by {}",
            "which {} of {} and {} have more {}",
            "how many {} in {} are sold with {} for {}",
            "show {} who followed {} before {} without {}",
        ]
    ),
    st.permutations(["red", "Oslo", "pianos", "doctor"]),
    st.permutations(["red", "Oslo", "pianos", "doctor"]),
)
def test_words_that_change_places_make_another_question(frame: str, one: list[str], other: list[str]) -> None:
    assert all(_accepted(frame.format(*one), frame.format(*other))) == (one == other)


@pytest.mark.parametrize(
    "unit",
    [
        "a ",
        '"',
        "'",
        " 'a",
        "\u201c",
        "\u2018a ",
        "\u00ab",
        "`",
        "1,",
        "1-",
        "-1",
        "a-",
        "a'",
        ".",
        "(",
        "\u05d0 ",
        "five ",
    ],
)
def test_a_long_text_is_cut_and_judged_in_linear_time(unit: str) -> None:
    text = unit * (300_000 // len(unit))
    started = process_time()

    assert pieces(text)
    assert all(_accepted(text, text))
    assert not any(_accepted(text, text + "x"))
    assert process_time() - started < 3


@pytest.mark.parametrize("unit", ["a ", " 'a", "five ", "not ", "the a ", "million ", "9 million ", "a,", "is "])
def test_the_longest_question_that_is_read_is_read_fast(unit: str) -> None:
    text = (unit * LONGEST)[:LONGEST]
    started = process_time()
    read(text)

    assert process_time() - started < 1


def test_the_guards_come_through_the_hook() -> None:
    assert {guard.name for guard in GUARDS} == {
        "aggregation", "asking", "case", "dates", "direction", "logic", "names", "negation", "numbers", "ordering",
        "quoted", "roles", "words",
    }  # fmt: skip
    assert [installed_plugins().find(GuardPlugin, plugin.name) for plugin in GUARD_PLUGINS] == list(GUARD_PLUGINS)
