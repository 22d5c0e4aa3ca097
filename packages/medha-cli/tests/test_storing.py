"""``warm`` and ``export``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

ROWS = [{"question": f"How many albums has artist {number}?", "query": f"SELECT {number}"} for number in range(12)]
TEXTS = {
    "json": json.dumps(ROWS),
    "jsonl": "".join(json.dumps(row) + "\n" for row in ROWS),
    "csv": "question,query\n" + "".join(f"{row['question']},{row['query']}\n" for row in ROWS),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_warm_stores_every_row_of_each_format(kind: str, document: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / f"pairs.{kind}"
    file.write_text(TEXTS[kind], encoding="utf-8")
    assert document("warm", str(file))["stored"] == 12
    assert document("search", ROWS[7]["question"])["generated_query"] == "SELECT 7"


def test_warm_takes_a_format_a_batch_size_and_a_ttl(document: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "pairs.txt"
    file.write_text(TEXTS["jsonl"], encoding="utf-8")
    assert document("warm", str(file), "--format", "jsonl", "--batch-size", "5", "--ttl", "60")["stored"] == 12
    assert document("search", ROWS[0]["question"])["expires_at"] is not None


def test_a_bad_row_is_named_and_nothing_is_stored(document: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text(TEXTS["jsonl"] + '{"question": "without a query"}\n', encoding="utf-8")
    error = document("warm", str(file))["error"]
    assert error["type"] == "InvalidEntryError"
    assert "12" in error["message"]
    assert document("stats")["entries"] == 0


def test_an_absent_file_is_an_error(medha: Callable[..., Result], tmp_path: Path) -> None:
    result = medha("warm", str(tmp_path / "absent.jsonl"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "absent.jsonl" in result.stderr


@pytest.mark.parametrize("options", [[], ["--no-vectors"]])
def test_what_was_exported_warms_another_cache_to_the_same(
    options: list[str], document: Callable[..., Any], tmp_path: Path
) -> None:
    document("store", "How many albums are there?", "SELECT 1", "--filter", "tenant=acme", "--ttl", "600")
    file = tmp_path / "out.jsonl"
    assert document("export", str(file), *options)["written"] == 1
    assert ("vector" in json.loads(file.read_text(encoding="utf-8"))) == (not options)
    other = ["--db", str(tmp_path / "other.db")]
    assert document("warm", str(file), *other)["stored"] == 1
    asked = ["search", "How many albums are there?", "--filter", "tenant=acme"]
    first, second = document(*asked), document(*asked, *other)
    kept = ("hit", "entry_id", "generated_query", "expires_at", "metadata")
    assert first["hit"]
    assert [first[key] for key in kept] == [second[key] for key in kept]


def test_export_writes_only_the_scope_that_was_asked_for(document: Callable[..., Any], tmp_path: Path) -> None:
    document("store", "How many albums are there?", "SELECT 1", "--filter", "tenant=acme")
    document("store", "How many albums are there?", "SELECT 2", "--filter", "tenant=other")
    file = tmp_path / "out.csv"
    assert document("export", str(file), "--filter", "tenant=other")["written"] == 1
    assert "SELECT 2" in file.read_text(encoding="utf-8")
