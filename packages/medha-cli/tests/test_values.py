"""``values``."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A database with texts, numbers, and a column of many texts."""
    file = tmp_path / "shop.db"
    connection = sqlite3.connect(file)
    connection.executescript(
        """
        CREATE TABLE artist (id INTEGER PRIMARY KEY, name VARCHAR(50));
        CREATE TABLE track (id INTEGER, title TEXT, price REAL);
        INSERT INTO artist (name) VALUES ('Queen'), ('O''Brien'), ('Queen'), (NULL), (' ');
        """
    )
    connection.executemany("INSERT INTO track VALUES (?, ?, 1.5)", [(n, f"Track {n}") for n in range(30)])
    connection.commit()
    connection.close()
    return file


def test_the_texts_of_every_column_are_written_for_learned_templates(
    shop: Path,
    tmp_path: Path,
    document: Callable[..., Any],
    medha: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = tmp_path / "values.json"
    told = document("values", "--from", f"sqlite:///{shop}", "--to", str(target), "--most", "20")
    assert told == {"file": str(target), "columns": 1, "values": 2, "left_out": ["track.title"]}
    assert json.loads(target.read_text()) == {"artist.name": ["O'Brien", "Queen"]}
    assert (
        medha(
            "store", "albums by Queen", "SELECT * FROM album a JOIN artist r ON a.artist = r.id WHERE r.name = 'Queen'"
        ).exit_code
        == 0
    )
    assert medha("search", "albums by O'Brien").exit_code == 1
    monkeypatch.setenv("MEDHA_VALUES_FILE", str(target))
    found = document("search", "albums by O'Brien")
    assert found["strategy"] == "learned_template"
    assert found["generated_query"].endswith("r.name = 'O''Brien'")


def test_only_the_named_tables_are_read(shop: Path, tmp_path: Path, document: Callable[..., Any]) -> None:
    target = tmp_path / "values.json"
    assert document("values", "--from", f"sqlite:///{shop}", "--to", str(target), "--table", "track")["values"] == 30
    assert list(json.loads(target.read_text())) == ["track.title"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nonsense", "database URL"),
        ("sqlite:////no/such/folder/shop.db", "cannot read"),
        ("postgresql+nodriver://ann:secret@127.0.0.1:1/x", "cannot"),
    ],
)
def test_a_database_that_cannot_be_read_is_said_without_its_password(
    source: str, said: str, tmp_path: Path, medha: Callable[..., Result]
) -> None:
    result = medha("values", "--from", source, "--to", str(tmp_path / "values.json"))
    assert result.exit_code == 2
    assert said in result.stderr
    assert "secret" not in result.stderr
    assert not (tmp_path / "values.json").exists()


def test_a_table_that_is_not_there_is_refused_with_those_that_are(
    shop: Path, tmp_path: Path, medha: Callable[..., Result]
) -> None:
    result = medha("values", "--from", f"sqlite:///{shop}", "--to", str(tmp_path / "v.json"), "--table", "albums")
    assert result.exit_code == 2
    assert "artist, track" in result.stderr
