"""``migrate``: between files here, and from files and tables; between servers in the workspace's own tests."""

from __future__ import annotations

import base64
import csv
import json
import sqlite3
import subprocess
import sys
import sysconfig
import uuid
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

from medha_cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer.testing import Result

PROGRAM = Path(sysconfig.get_path("scripts")) / "medha"
LEGACY: Final[list[dict[str, Any]]] = [
    {
        "id": "1f0e",
        "original_question": "How many albums are there?",
        "normalized_question": "how many albums are there",
        "generated_query": "SELECT 1",
        "query_hash": "an md5",
        "usage_count": 12,
        "feedback_correct": 3,
        "feedback_incorrect": 1,
        "created_at": "2025-01-02T03:04:05+00:00",
        "expires_at": None,
        "metadata": '{"tenant": "acme"}',
    },
    {
        "id": "2f0e",
        "original_question": "List the artists",
        "normalized_question": "list the artists",
        "generated_query": "SELECT 2",
        "query_hash": "an md5",
        "usage_count": 1,
        "feedback_correct": 0,
        "feedback_incorrect": 0,
        "created_at": "2025-01-02 03:04:05",
        "expires_at": "2100-01-01T00:00:00+00:00",
        "metadata": None,
    },
]
TENANT: Final = ("How many albums are there?", "--filter", "tenant=acme")


@pytest.fixture
def old(tmp_path: Path, document: Callable[..., Any]) -> str:
    """A file with two collections of two entries."""
    file = str(tmp_path / "old.db")
    for collection in ("shop", "library"):
        document("store", *TENANT[:1], f"SELECT '{collection}'", *TENANT[1:], "--db", file, "-c", collection)
        document("store", "List the artists", "SELECT 2", "--ttl", "600", "--db", file, "-c", collection)
    return file


def moved(document: dict[str, Any]) -> dict[str, Any]:
    assert list(document) == ["migrated"], document
    return document["migrated"][0]


def test_a_collection_moves_to_another_file(old: str, document: Callable[..., Any], tmp_path: Path) -> None:
    new = str(tmp_path / "new.db")
    done = moved(document("migrate", "--from", f"sqlite:{old}", "--to", f"sqlite:{new}", "-c", "shop"))
    assert (done["entries"], done["stored"], done["embedded"], done["collection"]) == (2, 2, 0, "shop")
    asked = ["search", *TENANT, "-c", "shop", "--db"]
    assert document(*asked, new) | {"milliseconds": 0} == document(*asked, old) | {"milliseconds": 0}


def test_several_collections_move_in_one_run(old: str, document: Callable[..., Any], tmp_path: Path) -> None:
    new = str(tmp_path / "new.db")
    names = ["-c", "shop", "-c", "library"]
    done = document("migrate", "--from", f"sqlite:{old}", "--to", f"sqlite:{new}", *names)["migrated"]
    assert [one["collection"] for one in done] == ["shop", "library"]
    assert [one["stored"] for one in done] == [2, 2]
    found = document("search", *TENANT, "-c", "library", "--db", new)
    assert found["generated_query"] == "SELECT 'library'"


def test_a_collection_moves_to_another_name_in_the_same_file(old: str, document: Callable[..., Any]) -> None:
    place = f"sqlite:{old}"
    done = moved(document("migrate", "--from", place, "--to", place, "-c", "shop", "--to-collection", "boutique"))
    assert (done["stored"], done["collection"]) == (2, "boutique")
    found = document("search", *TENANT, "-c", "boutique", "--db", old)
    assert (found["strategy"], found["generated_query"]) == ("exact_match", "SELECT 'shop'")


def test_only_one_collection_can_be_renamed(old: str, medha: Callable[..., Result]) -> None:
    place = f"sqlite:{old}"
    names = ["-c", "shop", "-c", "library", "--to-collection", "both"]
    result = medha("migrate", "--from", place, "--to", place, *names)
    assert result.exit_code == 2
    assert "renames one collection" in result.stderr


@pytest.mark.parametrize("more", [[], ["--to-collection", "shop"]])
def test_a_collection_is_not_moved_into_itself(more: list[str], old: str, medha: Callable[..., Result]) -> None:
    result = medha("migrate", "--from", f"sqlite:{old}", "--to", f"sqlite:{old}", "-c", "shop", *more)
    assert result.exit_code == 2
    assert "the same place" in result.stderr


def test_a_dry_run_makes_no_file_and_no_collection(
    old: str, medha: Callable[..., Result], document: Callable[..., Any], tmp_path: Path
) -> None:
    new = tmp_path / "new.db"
    to_new_file = ["--from", f"sqlite:{old}", "--to", f"sqlite:{new}", "-c", "shop", "--dry-run"]
    assert moved(document("migrate", *to_new_file))["stored"] == 2
    assert not new.exists()
    assert "nothing was written" in medha("migrate", *to_new_file).stdout
    to_new_name = ["--from", f"sqlite:{old}", "--to", f"sqlite:{old}", "-c", "shop", "--to-collection", "x"]
    assert moved(document("migrate", *to_new_name, "--dry-run"))["stored"] == 2
    with closing(sqlite3.connect(old)) as database:
        assert {name for (name,) in database.execute("SELECT name FROM collections")} == {"shop", "library"}


def test_a_target_of_another_model_is_refused_and_told_what_to_do(
    old: str, document: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = str(tmp_path / "new.db")
    monkeypatch.setenv("MEDHA_WORDLLAMA_DIMENSION", "64")
    document("store", "of another model", "SELECT 3", "--db", new, "-c", "shop")
    monkeypatch.delenv("MEDHA_WORDLLAMA_DIMENSION")
    command = ["migrate", "--from", f"sqlite:{old}", "--to", f"sqlite:{new}", "-c", "shop"]
    for more in ([], ["--dry-run"], ["--merge"]):
        error = document(*command, *more)["error"]
        assert error["type"] == "CollectionMismatchError"
        assert all(word in error["message"] for word in ("nothing was written", "64", "256", "--to-collection"))


def test_another_model_embeds_anew(
    old: str, document: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = str(tmp_path / "new.db")
    monkeypatch.setenv("MEDHA_WORDLLAMA_DIMENSION", "64")
    assert moved(document("migrate", "--from", f"sqlite:{old}", "--to", f"sqlite:{new}", "-c", "shop"))["embedded"] == 2
    found = document("search", "How many albums are there really?", *TENANT[1:], "-c", "shop", "--db", new)
    assert found["generated_query"] in {None, "SELECT 'shop'"}
    assert document("stats", "-c", "shop", "--db", new)["dimension"] == 64


def test_a_target_that_holds_something_else_needs_merge(old: str, document: Callable[..., Any], tmp_path: Path) -> None:
    new = str(tmp_path / "new.db")
    document("store", "of somebody else", "SELECT 3", "--db", new, "-c", "shop")
    command = ["migrate", "--from", f"sqlite:{old}", "--to", f"sqlite:{new}", "-c", "shop"]
    error = document(*command)["error"]
    assert (error["type"], "1 entries that" in error["message"]) == ("MigrationError", True)
    assert document("stats", "-c", "shop", "--db", new)["entries"] == 1
    assert moved(document(*command, "--merge"))["foreign"] == 1
    assert document("stats", "-c", "shop", "--db", new)["entries"] == 3


@pytest.mark.parametrize(
    ("places", "says"),
    [
        (["--from", "sqlite:absent.db", "--to", "sqlite:new.db"], "absent.db"),
        (["--from", ":x", "--to", "sqlite:new.db"], "--from takes"),
        (["--from", "file:", "--to", "sqlite:new.db"], "--from takes"),
        (["--from", "sqlit:x", "--to", "sqlite:new.db"], "Did you mean 'sqlite'?"),
        (["--from", "file:a.jsonl", "--to", "file:b.jsonl"], "medha export"),
        (["--from", "table:sqlite:///a.db", "--to", "sqlite:new.db"], "--table"),
        (["--from", "table:oracle://x", "--table", "t", "--to", "sqlite:new.db"], "CSV"),
        (["--from", "memory:x", "--to", "sqlite:new.db"], "no setting for the place"),
        (["--from", "sqlite", "--from-setting", "path", "--to", "sqlite:new.db"], "NAME=VALUE"),
    ],
)
def test_a_place_that_cannot_be_is_explained(
    places: list[str], says: str, document: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert says in document("migrate", *places)["error"]["message"]
    assert not Path("absent.db").exists()


def test_a_backend_of_several_modes_is_asked_for_one(document: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("medha_qdrant")
    command = ["migrate", "--from", f"qdrant:{tmp_path}", "--to", "memory"]
    assert "mode=" in document(*command)["error"]["message"]
    error = document(*command, "--from-setting", "mode=path")["error"]
    assert error["type"] == "CollectionNotFoundError"


def file_of(kind: str, folder: Path) -> Path:
    file = folder / f"export.{kind}"
    if kind == "csv":
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, LEGACY[0])
            writer.writeheader()
            writer.writerows(LEGACY)
    else:
        text = json.dumps(LEGACY) if kind == "json" else "".join(json.dumps(row) + "\n" for row in LEGACY)
        file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
def test_an_export_of_the_reference_package_moves_in(kind: str, document: Callable[..., Any], tmp_path: Path) -> None:
    new = str(tmp_path / "new.db")
    done = moved(document("migrate", "--from", f"file:{file_of(kind, tmp_path)}", "--to", f"sqlite:{new}"))
    assert (done["stored"], done["embedded"]) == (2, 2)
    arrives(document, new)


def test_a_table_of_sqlite_moves_in_and_its_file_is_left_as_it_is(document: Callable[..., Any], tmp_path: Path) -> None:
    legacy, new = tmp_path / "legacy.db", str(tmp_path / "new.db")
    with closing(sqlite3.connect(legacy)) as database:
        database.execute(f'CREATE TABLE "medha cache" ({", ".join(LEGACY[0])})')
        places = ", ".join(f":{name}" for name in LEGACY[0])
        database.executemany(f'INSERT INTO "medha cache" VALUES ({places})', LEGACY)  # noqa: S608
        database.commit()
    before = legacy.read_bytes()
    command = ["migrate", "--from", f"table:sqlite:///{legacy}", "--to", f"sqlite:{new}", "--table"]
    assert moved(document(*command, "medha cache"))["stored"] == 2
    assert moved(document(*command, "main.medha cache"))["already_there"] == 2
    assert legacy.read_bytes() == before
    arrives(document, new)
    assert "no such table" in document(*command, "absent")["error"]["message"]


@pytest.fixture
def postgres_table(find_service: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """The address of a server, and a table on it as the reference package makes them."""
    psycopg = pytest.importorskip("psycopg")
    address, schema = find_service("pgvector"), f"legacy_{uuid.uuid4().hex}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        try:
            connection.execute(
                f"CREATE TABLE {schema}.cache (id text, original_question text, normalized_question text, "
                "generated_query text, query_hash text, usage_count int, feedback_correct int, "
                "feedback_incorrect int, created_at timestamptz, expires_at timestamptz, metadata jsonb)"
            )
            connection.execute("SET timezone TO 'UTC'")
            places = ", ".join(f"%({name})s" for name in LEGACY[0])
            connection.cursor().executemany(f"INSERT INTO {schema}.cache VALUES ({places})", LEGACY)  # noqa: S608
            yield address, f"{schema}.cache"
        finally:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


def test_a_table_of_postgresql_moves_in(
    postgres_table: tuple[str, str], document: Callable[..., Any], tmp_path: Path
) -> None:
    address, table = postgres_table
    new = str(tmp_path / "new.db")
    command = ["migrate", "--from", f"table:{address}", "--to", f"sqlite:{new}", "--table"]
    assert moved(document(*command, table))["stored"] == 2
    arrives(document, new)
    assert "does not exist" in document(*command, "absent.cache")["error"]["message"]


def arrives(document: Callable[..., Any], new: str) -> None:
    first = document("search", *TENANT, "--db", new)
    assert (first["generated_query"], first["metadata"]) == ("SELECT 1", {"tenant": "acme"})
    second = document("search", "List the artists", "--db", new)
    assert second["expires_at"] == 4102444800.0
    with closing(sqlite3.connect(new)) as database:
        counts = {tuple(row) for row in database.execute("SELECT feedback_correct, created_at FROM entries")}
    assert counts == {(3, 1735787045.0), (0, 1735787045.0)}


@pytest.mark.long
def test_after_a_kill_the_next_run_goes_on(document: Callable[..., Any], tmp_path: Path) -> None:
    old, new, count = tmp_path / "old.db", tmp_path / "new.db", 6_000
    document("store", "the first one", "SELECT 0", "--db", str(old))
    fill(old, count)
    command = ["migrate", "--from", f"sqlite:{old}", "--to", f"sqlite:{new}"]
    process = subprocess.Popen([sys.executable, PROGRAM, *command], stdout=subprocess.DEVNULL)
    try:
        while (there := stored_in(new)) < 500:
            assert process.poll() is None, "it ended before it could be killed"
    finally:
        process.kill()
        process.wait()
    there = stored_in(new)
    assert 500 <= there < count
    assert there % 500 == 0
    planned = moved(document(*command, "--dry-run"))
    assert (planned["already_there"], planned["stored"]) == (there, count - there)
    done = moved(document(*command))
    assert (done["already_there"], done["stored"], done["entries"]) == (there, count - there, count)
    assert done["checksum"] == planned["checksum"]
    assert stored_in(new) == count


def fill(file: Path, count: int) -> None:
    """More entries, stored as they are by the backend itself, without embedding each."""
    vectors = np.random.default_rng(5).normal(size=(count, 256)).astype("<f4")
    rows = file.parent / "rows.jsonl"
    exported = file.parent / "one.jsonl"
    app(["export", str(exported), "--db", str(file)], standalone_mode=False)
    model = json.loads(exported.read_text("utf-8"))["embedding_model"]
    with rows.open("w", encoding="utf-8") as stream:
        for number in range(1, count):
            row = {
                "question": f"question number {number}",
                "query": f"SELECT {number}",
                "embedding_model": model,
                "vector": base64.b64encode(vectors[number].tobytes()).decode(),
            }
            stream.write(json.dumps(row) + "\n")
    app(["warm", str(rows), "--db", str(file), "--batch-size", "5000"], standalone_mode=False)


def stored_in(file: Path) -> int:
    if not file.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
            return database.execute("SELECT count(*) FROM entries").fetchone()[0]
    except sqlite3.OperationalError:
        return 0  # it is being made
