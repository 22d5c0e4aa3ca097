"""``invalidate``, ``expire``, ``dedup`` and ``feedback``."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from medha import query_hash

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

QUESTION = "How many albums are there?"


@pytest.fixture(autouse=True)
def three_entries(document: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "three.json"
    entries = [
        {"question": QUESTION, "query": "SELECT 1", "metadata": {"tenant": "acme"}},
        {"question": QUESTION, "query": "SELECT 2", "metadata": {"tenant": "other"}},
        {"question": "Which albums are old?", "query": "SELECT 3", "template_id": "old"},
    ]
    file.write_text(json.dumps(entries), encoding="utf-8")
    assert document("warm", str(file))["stored"] == 3


@pytest.mark.parametrize(
    ("arguments", "removed"),
    [
        ([QUESTION], 2),
        ([QUESTION, "--filter", "tenant=acme"], 1),
        (["--query", "SELECT 2"], 1),
        (["--query-hash", query_hash("SELECT 2")], 1),
        (["--template", "old"], 1),
        (["--all", "--yes"], 3),
    ],
)
def test_invalidate_removes_what_it_is_told(arguments: list[str], removed: int, document: Callable[..., Any]) -> None:
    assert document("invalidate", *arguments)["removed"] == removed
    assert document("stats")["entries"] == 3 - removed


def test_invalidating_what_is_not_there_exits_with_1(medha: Callable[..., Result]) -> None:
    assert medha("invalidate", QUESTION).exit_code == 0
    again = medha("invalidate", QUESTION)
    assert (again.exit_code, again.stdout) == (1, "removed 0 entries from 'default'\n")


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_removing_everything_asks_first_and_refuses_where_nobody_answers(
    option: list[str], medha: Callable[..., Result], document: Callable[..., Any]
) -> None:
    result = medha("invalidate", "--all", *option)
    assert result.exit_code == 2
    assert "--yes" in result.output
    assert document("stats")["entries"] == 3


def test_only_the_named_collection_is_emptied(document: Callable[..., Any]) -> None:
    document("store", QUESTION, "SELECT 4", "--collection", "second")
    assert document("invalidate", "--all", "--yes", "-c", "second")["removed"] == 1
    assert document("stats")["entries"] == 3


def test_expire_removes_what_has_expired(document: Callable[..., Any], user_folder: Path) -> None:
    file = document("stats")["file"]
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE entries SET expires_at = 1.0 WHERE generated_query = 'SELECT 3'")
    assert document("stats")["expired"] == 1
    assert document("expire") == {"removed": 1, "collection": "default"}
    assert document("stats")["entries"] == 2


def test_dedup_leaves_scopes_alone_and_refuses_an_unknown_strategy(
    document: Callable[..., Any], medha: Callable[..., Result]
) -> None:
    assert document("dedup", "--strategy", "keep_first")["removed"] == 0
    unknown = medha("dedup", "--strategy", "keep_none")
    assert unknown.exit_code == 2
    assert "keep_latest" in unknown.stderr


def test_feedback_counts_and_too_much_of_it_removes(document: Callable[..., Any]) -> None:
    told = ["feedback", QUESTION, "--filter", "tenant=acme"]
    assert document(*told, "--correct")["correct"] == 1
    results = [document(*told, "--incorrect") for _ in range(3)]
    assert [result["incorrect"] for result in results] == [1, 2, 3]
    assert [result["removed"] for result in results] == [False, False, True]
    assert not document("search", QUESTION, "--filter", "tenant=acme")["hit"]


def test_feedback_without_an_entry_exits_with_1(medha: Callable[..., Result]) -> None:
    assert medha("feedback", "What else is there?", "--correct").exit_code == 1
    assert medha("feedback", QUESTION, "--correct", "--entry-id", "absent").exit_code == 1


def test_feedback_must_say_which(medha: Callable[..., Result]) -> None:
    assert medha("feedback", QUESTION).exit_code == 2
