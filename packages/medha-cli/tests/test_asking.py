"""``search``, ``ask``, ``explain`` and ``store``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

QUESTION = "How many albums are there?"
QUERY = "SELECT count(*) FROM album"


@pytest.fixture
def stored(document: Callable[..., Any]) -> str:
    return document("store", QUESTION, QUERY)["entry_id"]


@pytest.mark.usefixtures("stored")
def test_a_hit_puts_the_query_alone_on_standard_output(medha: Callable[..., Result]) -> None:
    result = medha("search", "how many albums are there")
    assert (result.exit_code, result.stdout) == (0, f"{QUERY}\n")
    assert "exact_match" in result.stderr


@pytest.mark.usefixtures("stored")
def test_a_miss_exits_with_1_and_says_why_on_standard_error(medha: Callable[..., Result]) -> None:
    result = medha("search", "How many artists are there?")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("miss")


def test_a_long_query_is_not_wrapped(medha: Callable[..., Result]) -> None:
    query = f"SELECT {', '.join(f'column_{number}' for number in range(200))}\nFROM [album] -- :smile: [bold]"
    medha("store", QUESTION, query)
    assert medha("search", QUESTION).stdout == f"{query}\n"


def test_the_document_of_a_hit_has_what_an_application_needs(document: Callable[..., Any], stored: str) -> None:
    found = document("search", QUESTION)
    expected = {"hit": True, "strategy": "exact_match", "generated_query": QUERY, "entry_id": stored}
    assert {key: found[key] for key in expected} == expected
    assert found["milliseconds"] > 0


def test_a_rephrased_question_is_a_semantic_hit(document: Callable[..., Any]) -> None:
    document("store", "Which customers live in Ghent?", "SELECT name FROM customer WHERE city = 'Ghent'")
    found = document("search", "What customers live in Ghent?")
    assert (found["hit"], found["strategy"]) == (True, "semantic_match")
    assert 0.9 <= found["similarity"] < 1


def test_storing_again_replaces_the_query(document: Callable[..., Any], stored: str) -> None:
    assert document("store", QUESTION, "SELECT 2")["entry_id"] == stored
    assert document("search", QUESTION)["generated_query"] == "SELECT 2"


def test_a_scope_is_kept_apart_by_the_type_of_its_values(document: Callable[..., Any]) -> None:
    document("store", QUESTION, "SELECT 5", "--filter", "tenant=5")
    document("store", QUESTION, "SELECT '5'", "--filter", "tenant:str=5")
    assert document("search", QUESTION, "--filter", "tenant=5")["generated_query"] == "SELECT 5"
    assert document("search", QUESTION, "--scope", "tenant:str=5")["generated_query"] == "SELECT '5'"
    assert not document("search", QUESTION, "--filter", "tenant=6")["hit"]


def test_what_store_is_told_is_kept(document: Callable[..., Any]) -> None:
    document("store", QUESTION, QUERY, "--ttl", "60", "--summary", "47", "--template", "count")
    found = document("search", QUESTION)
    assert (found["response_summary"], found["template_used"]) == ("47", "count")
    assert found["expires_at"] is not None


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["search", " "], "InvalidQuestionError"),
        (["store", QUESTION, ""], "InvalidQueryError"),
        (["store", QUESTION, QUERY, "--ttl", "-1"], "InvalidTTLError"),
        (["store", QUESTION, QUERY, "--filter", "a key=1"], "InvalidMetadataError"),
    ],
)
def test_bad_input_is_refused_with_its_type(arguments: list[str], kind: str, document: Callable[..., Any]) -> None:
    assert document(*arguments)["error"]["type"] == kind


@pytest.mark.usefixtures("stored")
def test_one_piped_question_has_the_exit_code_of_search(medha: Callable[..., Result]) -> None:
    hit, miss = medha("ask", stdin=f"{QUESTION}\n"), medha("ask", stdin="What else?")
    assert (hit.exit_code, hit.stdout) == (0, f"{QUERY}\n")
    assert (miss.exit_code, miss.stdout) == (1, "")


@pytest.mark.usefixtures("stored")
def test_piped_questions_are_answered_in_one_document_in_order(
    document: Callable[..., Any], medha: Callable[..., Result]
) -> None:
    asked = f"{QUESTION}\n\nWhat else?\n{QUESTION.upper()}\n"
    answers = document("ask", stdin=asked)["answers"]
    assert [(answer["question"], answer["hit"]) for answer in answers] == [
        (QUESTION, True),
        ("What else?", False),
        (QUESTION.upper(), True),
    ]
    assert medha("ask", stdin=asked).exit_code == 1


@pytest.mark.usefixtures("stored")
def test_a_piped_line_that_is_no_question_is_named_and_the_others_are_answered(
    document: Callable[..., Any], medha: Callable[..., Result]
) -> None:
    piped = f"{QUESTION}\n\nalbums\0by Queen\n{QUESTION}\n"
    result = medha("ask", stdin=piped)
    assert result.exit_code == 2
    assert result.stdout == f"{QUERY}\n" * 2
    assert "error: line 3: the question holds a NUL character" in result.stderr
    answers = document("ask", stdin=piped)["answers"]
    assert [answer.get("hit") for answer in answers] == [True, None, True]
    assert answers[1]["line"] == 3
    assert answers[1]["error"]["type"] == "InvalidQuestionError"


def test_no_questions_at_all_are_no_miss(document: Callable[..., Any], medha: Callable[..., Result]) -> None:
    assert document("ask", stdin="") == {"answers": []}
    assert medha("ask", stdin="").exit_code == 0


def test_explain_shows_tiers_candidates_and_the_reason_of_a_rejection(medha: Callable[..., Result]) -> None:
    medha("store", "Show the top 5 customers by total spending", "SELECT 5")
    result = medha("explain", "Show the top 10 customers by total spending")
    assert result.exit_code == 0
    for told in ("MISS", "l1", "exact", "semantic", "fuzzy", "rejects", "different numbers", "accepts"):
        assert told in result.stdout


def test_explain_shows_the_query_of_a_hit(medha: Callable[..., Result], stored: str) -> None:
    shown = medha("explain", QUESTION).stdout
    assert shown.startswith("HIT")
    assert QUERY in shown


@pytest.mark.usefixtures("stored")
def test_the_document_of_explain_is_the_decision(document: Callable[..., Any]) -> None:
    decision = document("explain", QUESTION)
    assert decision["hit"]["strategy"] == "exact_match"
    assert [tier["tier"] for tier in decision["tiers"]] == ["l1", "exact"]
    assert [tier["answered"] for tier in decision["tiers"]] == [False, True]


def test_explain_draws_near_misses_below_the_thresholds(
    medha: Callable[..., Result], document: Callable[..., Any]
) -> None:
    medha("store", "Which ferries sail to Elba?", "SELECT 1")
    shown = medha("explain", "What does the museum in Ghent cost?").stdout
    assert "Near misses" in shown
    assert "Which ferries sail to Elba?" in shown
    assert "would reject it" in shown
    (near,) = document("explain", "What does the museum in Ghent cost?")["near_misses"]
    assert (near["tier"], near["generated_query"]) == ("none", "SELECT 1")


def test_explain_shows_the_terms_where_a_rate_is_promised(
    medha: Callable[..., Result], document: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDHA_MAX_FALSE_HIT_RATE", "0.01")
    shown = medha("explain", QUESTION).stdout
    assert "at most 1.00%" in shown
    assert "strict, not proven yet" in shown
    assert document("explain", QUESTION)["terms"]["tiers"]["fuzzy"]["allowed"] is False


def test_explain_draws_what_a_template_bound(
    medha: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "templates.json"
    template = {"intent": "albums", "template_text": "albums by {name}", "parameters": ["name"]}
    file.write_text(json.dumps([template | {"query_template": "SELECT title FROM album WHERE artist = {name}"}]))
    monkeypatch.setenv("MEDHA_TEMPLATE_FILE", str(file))
    shown = " ".join(medha("explain", "albums by Queen").stdout.split())
    assert "name = 'Queen' as artist" in shown
