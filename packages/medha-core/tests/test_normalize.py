"""Normalising: what is folded, what is kept, and that it settles at once on any text."""

from __future__ import annotations

import unicodedata
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from medha.identity import ask
from medha.normalize import normalize, quoted_spans

_FRAGMENTS: Final = (
    *("please", "Please", ", please", ". thanks", "! Thank you", "could you", "Could you please", "show me", "Tell me"),
    *("hi,", "Hello there!", "I'd like to know", "i’d like to see", "let me know", "may I see", "can I have"),
    *("how many", "The", "A", "which", "list", "X", "BOB", "customers", "first 5", "10²", "2½", "1⑤", "㏠"),
    *("'", '"', "“", "”", "‘", "’", "„", "«", "»", "`", "'a  b'", '"a  b"', "«a  b»", "`a  b`"),
    *("?", "!", ".", ",", ";", ":", "。", "、", "؟", " ", "  ", "\t", "\n", "\u00a0", "\u3000", "\u2028", "\x1f"),
    *("\u200b", "\u200d", "\ufeff", "\u200f", "\u202e", "\u0301", "\u0323", "\u0338", "\u00b4", "\u00a8", "\u037a"),
    *("ｗｉｄｅ", "ﬁ", "Å", "가", "\u1100", "\u1161", "ﷺ", "שלום", "مرحبا", "🎸", "👩\u200d🚀", "İ", "ß", "＂", "＇"),
)
_texts: Final = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="aA1 ,.?!'\"’“”«»`²½①\u00a0\u0301\u0323\u200b\u200f\u05d0", max_size=40),
    st.lists(st.sampled_from(_FRAGMENTS), max_size=10).map("".join),
    st.lists(st.sampled_from(_FRAGMENTS), max_size=10).map(" ".join),
)
_OPEN_AND_CLOSE: Final = ('""', "''", "``", "«»", "“”", "‘’", "„“")


@given(_texts)
@example(". ! please")
@example("hi,?")
@example("Hi, the “wall’s”  end”")
@example("a" + "\u0301\u0323" * 400)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalize(text)
    assert normalize(once) == once


@given(_texts)
@example("?!")
@example("please")
@example("show me")
@example("hi, thanks")
def test_only_a_blank_text_becomes_empty(text: str) -> None:
    assert bool(normalize(text)) == bool(text.strip())


@given(_texts, _texts)
@example("the album", "\u0301")
def test_what_is_normalised_has_no_white_space_around_it(text: str, other: str) -> None:
    normalized = normalize(f" {text} {other}\n")
    assert normalized == normalized.strip()


@given(
    literal=st.text(alphabet="aBÇ é9 \t.,?!-_%;:שل🎸", max_size=20),
    marks=st.sampled_from(_OPEN_AND_CLOSE),
    around=st.sampled_from([("", ""), ("songs  by ", ""), ("Could you show me ", "  today ?"), ("Hi! ", ", please")]),
)
def test_a_quoted_literal_keeps_its_case_and_inner_spaces_exactly(
    literal: str, marks: str, around: tuple[str, str]
) -> None:
    normalized = normalize(f"{around[0]}{marks[0]}{literal}{marks[1]}{around[1]}")
    kept = [normalized[start + 1 : end - 1] for start, end in quoted_spans(normalized)]
    assert kept == [literal]


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("ｗｉｄｅ", "wide"),
        ("total\u00a0sales", "total sales"),
        ("total\u3000sales", "total sales"),
        ("  total \t\n sales  ", "total sales"),
        ("ﬁles", "files"),
        ("cafe\u0301", "café"),
        ("the price of “The  Wall”", 'the price of "The  Wall"'),
        ("Bob’s albums", "Bob's albums"),
        ("total sales?", "total sales"),
        ("total sales ?!  ", "total sales"),
        ("売上は。", "売上は"),
        ("ما هو المجموع؟", "ما هو المجموع"),
        ("How many customers?", "how many customers"),
        ("The Beatles albums", "the Beatles albums"),
        ("BOB", "BOB"),
    ],
)
def test_form_and_white_space_and_trailing_punctuation_are_folded(text: str, normalized: str) -> None:
    assert normalize(text) == normalized


@pytest.mark.parametrize(
    "text",
    [
        "the total",
        "show me the total",
        "Show me the total.",
        "could you show me the total",
        "Could you please show me the total?",
        "Please, could you kindly show me the total, thanks!",
        "hi there, can you tell me the total? Thank you.",
        "Hello! I'd like to know the total",
        "I’d like to see the total, please",
        "may I see the total",
        "let me know the total; thanks",
        "COULD YOU PLEASE SHOW ME the total",
    ],
)
def test_polite_frames_are_no_part_of_the_question(text: str) -> None:
    assert normalize(text) == "the total"


@pytest.mark.parametrize(
    "text",
    [
        "tracks on the album Please",
        "songs called thanks",
        "albums named Hello there",
        "who said thank you",
        "what does Please Please Me cost",
        'albums called "Could you please show me"',
        "Hello, Dolly cast",
        "songs called Sorry, Thanks",
        "can I get a refund for order 5",
        "may I see patients without a badge",
        "names that contain ?",
        "names that end with ,",
    ],
)
def test_a_polite_word_that_the_question_is_about_stays(text: str) -> None:
    assert normalize(text) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("first 5", "top 5"),
        ("rooms of 10² feet", "rooms of 102 feet"),
        ("2½ stars", "21⁄2 stars"),
        ("H₂O", "H2O"),
        ("orders of BOB", "orders of bob"),
        ("orders of Bob", "orders of bob"),
        ("orders of BOB", "orders of Bob"),
        ("songs by 'The  Wall'", "songs by 'The Wall'"),
        ("songs by 'the wall'", "songs by 'The Wall'"),
        ("songs by The Wall", "songs by 'The Wall'"),
        ("sales in 2019", "sales in 2020"),
        ("price > 5", "price < 5"),
        ("sales in US", "sales in us"),
        ("-5", "5"),
        ("how many", "how much"),
        ("names that contain ?", "names that contain !"),
        ("fields separated by ,", "fields separated by ;"),
        ("songs named 'Ⅳ'", "songs named 'IV'"),
        ('songs named "ＡＢ"', 'songs named "AB"'),
        ("songs named “…”", "songs named “...”"),
        ("Tell Me Why plays", "Why plays"),
        ("Show Me Love sales", "Love sales"),
    ],
)
def test_another_question_keeps_another_identity(one: str, other: str) -> None:
    assert normalize(one) != normalize(other)
    assert ask(one).digest != ask(other).digest


def test_no_character_that_is_not_a_digit_adds_a_digit_to_a_number() -> None:
    merged = [
        f"U+{code:04X}"
        for code in range(0x80, 0x110000)
        if not 0xD800 <= code < 0xE000
        and not chr(code).isdecimal()
        and unicodedata.normalize("NFKC", chr(code))[0].isdecimal()
        and normalize(f"10{chr(code)}x")[2].isdecimal()
    ]
    assert merged == []


@pytest.mark.parametrize("digits", ["１２", "१२", "١٢", "𝟏𝟐"])
def test_digits_of_every_script_stay_the_number_they_are(digits: str) -> None:
    assert int(normalize(digits)) == 12


@pytest.mark.parametrize(
    "piece",
    [
        *("show me ", "could you please show me ", "hi, ", ", please", "! thanks", ". ", " ", "\u00a0", "?"),
        *("'", '"', "`«", "' a", "'\"", "’s “", "²a", "a²", "①"),
        *("\u0301\u0323", "\u0308\u0301", "\u0f73", "e\u0301", "\u1100\u1161\u11a8", "\u200b", "\u202e", "👩\u200d🚀"),
    ],
)
@pytest.mark.timeout(30)
def test_a_long_text_of_anything_takes_linear_time(piece: str) -> None:
    many = piece * (150_000 // len(piece))
    assert "7" in normalize(f"{many}7{many}")


@given(st.text(alphabet="ae\u0301\u0323\u0308\u0f73\u1100\u1161\u11a8\u0338=가é", min_size=1, max_size=12))
def test_a_long_text_is_composed_as_a_short_one(text: str) -> None:
    assert normalize(" ".join([text] * 300)) == " ".join([unicodedata.normalize("NFKC", text)] * 300)
