"""What is left of a question when its frame has fallen away, and how a language is told."""

from __future__ import annotations

import subprocess
import sys

import pytest

from medha.guards.language import UNKNOWN, language_from, language_of, languages
from medha.guards.reading import read, read_both
from medha.guards.scan import pieces


@pytest.mark.parametrize(
    ("question", "tokens"),
    [
        ("list all the albums by Queen", ("album", "by", "queen")),
        ("how many albums are there by Queen", ("count_of", "album", "by", "queen")),
        ("what is the number of active customers in Rome", ("count_of", "active", "customer", "in", "rome")),
        ("what is the number of the room", ("number", "of", "room")),
        ("list price of the albums", ("list", "price", "of", "album")),
        ("list show times", ("show", "times")),
        ("what albums does Ann's shop sell", ("what", "album", "ann", "'s", "shop", "sell")),
        ("which shops can't sell albums", ("what", "shop", "can", "not", "sell", "album")),
        ("show the latest orders", ("latest", "orders")),
        ("part-time nurses of the ward", ("part", "time", "nurse", "of", "ward")),
        ("show all-day events", ("all-", "day", "event")),
        ("show trains at 10am and 11 am", ("train", "at", "10", "am", "and", "11", "am")),
        ("show", ("show",)),
        ("?!", ("?!",)),
    ],
)
def test_the_frame_falls_away(question: str, tokens: tuple[str, ...]) -> None:
    assert read(question).tokens == tokens


def test_pieces_keep_everything_but_space() -> None:
    assert pieces("C++ isn't 'Mr O'Brien' at -5km, part-time 2026-08-12!") == [
        "C", "+", "+", "isn't", '"Mr O\'Brien', "at", "-5km", ",", "part-", "time", "2026-08-12", "!",
    ]  # fmt: skip


def test_english_is_told_by_words_that_other_languages_do_not_write() -> None:
    assert language_of(["which", "albums"]).code == "en"
    assert language_of(["voli", "a", "roma"]) is UNKNOWN
    assert language_of([]) is UNKNOWN


def test_without_a_language_every_piece_is_content_and_keeps_its_ending() -> None:
    assert read("lista pedidos a Roma, die Alben").tokens == ("lista", "pedidos", "a", "roma", ",", "die", "alben")


def test_keywords_are_read_in_the_language_that_the_other_question_shows() -> None:
    keywords, sentence = read_both("top five goals by region", "show the top five goals by region")

    assert keywords.language is sentence.language
    assert keywords.tokens == ("top", "5", "goals", "by", "region")
    assert sentence.tokens == keywords.tokens


def test_two_questions_of_keywords_show_no_language() -> None:
    assert [reading.language for reading in read_both("goals 2024", "goal 2024")] == [UNKNOWN, UNKNOWN]


def test_a_second_language_is_one_more_file() -> None:
    italian = language_from(
        "it",
        {
            "signals": "quanti gli della",
            "function": {"determiner": "il gli i la"},
            "head": [{"stage": 0, "phrases": ["mostra"], "before": ["determiner"]}],
            "plurals": {"endings": {"i": "o"}},
        },
    )

    assert italian.singular("ordini") == "ordino"
    assert italian.head[0]["mostra"][0].phrase == ("mostra",)
    assert not italian.negations


def test_the_word_lists_are_whole() -> None:
    for language in languages():
        phrases = [rule.phrase for rules in language.inner.values() for rule in rules]
        assert len(phrases) == len(set(phrases)), f"{language.code} gives one phrase two meanings"
        assert language.signals
        assert language.negations.isdisjoint(language.articles)


def test_importing_medha_loads_no_guard() -> None:
    code = "import sys, medha; print([name for name in sys.modules if name.startswith('medha.guards')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
