"""Warming from files and frames: what is read, what is refused, and where it says the fault is."""

from __future__ import annotations

import json
import os
import tracemalloc
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from medha.errors import (
    FileError,
    FileFormatError,
    FileNotAllowedError,
    FileTooLargeError,
    InvalidEntryError,
    InvalidInputError,
    PartialWriteError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from conftest import Clock, MakeCache, WatchedBackend

    from medha import Medha

GOOD = [{"question": f"question {i}", "query": f"SELECT {i}"} for i in range(10)]


def _write(path: Path, rows: list[Any]) -> Path:
    """The rows in the format that the ending says."""
    if path.suffix == ".csv":
        pd.DataFrame(rows).to_csv(path, index=False)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows), "utf-8")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.mark.parametrize("kind", ["json", "jsonl", "ndjson", "csv", "JSON"])
@pytest.mark.parametrize(
    "names", [("question", "query"), ("question", "generated_query"), ("original_question", "sql")]
)
async def test_a_file_of_questions_and_queries_is_warmed_from(
    cache: Medha, tmp_path: Path, kind: str, names: tuple[str, str]
) -> None:
    rows = [{names[0]: "total sales", names[1]: "SELECT 1", "note": "passed over"}]
    path = _write(tmp_path / f"pairs.{kind.lower()}", rows)
    path = path.rename(tmp_path / f"renamed.{kind}")
    assert await cache.warm_from_file(str(path)) == 1
    assert (await cache.search("total sales")).generated_query == "SELECT 1"


async def test_the_format_can_be_said_where_the_ending_does_not(cache: Medha, tmp_path: Path) -> None:
    path = _write(tmp_path / "pairs.jsonl", GOOD).rename(tmp_path / "pairs")
    with pytest.raises(FileFormatError, match=r"the ending of 'pairs' says no format; use \.json, .* or pass format="):
        await cache.warm_from_file(path)
    with pytest.raises(FileFormatError, match="there is no file format 'xml'; they are csv, json, jsonl"):
        await cache.warm_from_file(path, format="xml")
    assert await cache.warm_from_file(path, format="jsonl") == 10


async def test_a_ttl_in_a_row_wins_over_that_of_the_call_and_that_over_the_default(
    make_cache: MakeCache, backend: WatchedBackend, clock: Clock, tmp_path: Path
) -> None:
    rows = [GOOD[0] | {"ttl": 10}, GOOD[1], GOOD[2] | {"expires_at": None}, GOOD[3] | {"expires_at": clock.now + 7}]
    async with make_cache(default_ttl_seconds=1000) as cache:
        await cache.warm_from_file(_write(tmp_path / "pairs.jsonl", rows), ttl=100)
        await cache.warm_from_file(_write(tmp_path / "more.jsonl", GOOD[4:5]))
    entries = (await backend.scroll("tests")).entries
    left = {e.question: e.expires_at and e.expires_at - clock.now for e in entries}
    assert left == {f"question {i}": seconds for i, seconds in enumerate([10, 100, None, 7, 1000])}


async def test_numbers_and_metadata_in_a_csv_are_read(cache: Medha, backend: WatchedBackend, tmp_path: Path) -> None:
    row = {"question": "q", "sql": "SELECT 1", "metadata": '{"year": 2024}', "ttl": "5", "feedback_correct": "3"}
    await cache.warm_from_file(_write(tmp_path / "pairs.csv", [row]))
    (entry,) = (await backend.scroll("tests")).entries
    assert (dict(entry.metadata), entry.feedback_correct) == ({"year": 2024}, 3)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cut.json", b'[{"question": "a", "query": "b"}, {"question": "c', r"cut\.json: not JSON after 1 rows"),
        ("cut.json", b'[{"question": "a", "query": "b"}', r"after 1 rows: the file ends within the array"),
        ("comma.json", b'[{"question": "a", "query": "b"} {}]', r"after 1 rows: expected ',' or ']'"),
        ("more.json", b"[] []", r"after 0 rows: there is something after the array"),
        ("object.json", b'{"question": "a", "query": "b"}', r"must hold one array of objects; .* use \.jsonl"),
        ("empty.json", b"", r"must hold one array of objects"),
        ("list.json", b'[{"question": "a", "query": "b"}, ["c"]]', "row 1 is list, not an object with fields"),
        ("null.json", b"[null]", "row 0 is NoneType, not an object"),
        ("latin.json", '[{"question": "é"}]'.encode("latin-1"), "not UTF-8 after 0 rows"),
        ("wide.json", "[]".encode("utf-16"), "not UTF-8 after 0 rows"),
        ("digits.json", b'[{"question": "a", "query": ' + b"9" * 100_000 + b"}]", "not JSON after 0 rows.*digits"),
        ("deep.json", b'[{"question": ' + b"[" * 200_000 + b"]" * 200_000 + b"}]", "0 rows: nested too deeply"),
        ("deep2.json", b'[{"a": ' + b'{"a": ' * 100_000 + b"1" + b"}" * 100_000 + b"}]", "nested too deeply"),
        ("cut.jsonl", b'{"question": "a", "query": "b"}\n\n{"question": "c', r"cut\.jsonl: .*after 1 rows: line 3: "),
        ("list.jsonl", b'{"question": "a", "query": "b"}\n[1]\n', "row 1 is list, not an object with fields"),
        ("latin.jsonl", b'{"question": "a", "query": "b"}\n"\xe9"\n', "not UTF-8 after 1 rows|line 2: 'utf-8' codec"),
        ("digits.jsonl", b'{"n": ' + b"9" * 100_000 + b"}", "line 1: .*digits"),
        ("deep.jsonl", b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "line 1: nested too deeply"),
        ("long.csv", b"question,query\na,b\nc,d,e\n", r"long\.csv: .*line 3 has 3 fields, the header has 2"),
        ("short.csv", b'question,query,metadata\na,b,"{}"\nc,d\n', "line 3 has 2 fields, the header has 3"),
        ("twice.csv", b"question,query,query\na,b,c\n", "the header names a column twice"),
        ("quote.csv", b'question,query\n"a,b\n', "not CSV after 0 rows: unexpected end of data"),
        ("latin.csv", b"question,query\n\xe9,b\n", "not UTF-8 after 0 rows"),
    ],
)
async def test_a_malformed_file_is_refused_with_the_place_of_the_fault(
    cache: Medha, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        await cache.warm_from_file(tmp_path / name)
    assert await cache.count() == 0


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"question": "", "query": "SELECT 1"}, "no column 'question'|the question is empty"),
        ({"question": "q\0", "query": "SELECT 1"}, "the question holds a NUL character"),
        ({"question": "q", "note": "SELECT 1"}, "no column 'generated_query' or 'query' or 'sql'"),
        ({"question": "q", "query": "SELECT 1", "ttl": "soon"}, "ttl is not a number: 'soon'"),
        ({"question": "q", "query": "SELECT 1", "ttl": -5}, "ttl must be a positive, finite number"),
        ({"question": "q", "query": "SELECT 1", "expires_at": "nan"}, "expires_at must be finite seconds"),
        ({"question": "q", "query": "SELECT 1", "feedback_correct": "2.5"}, "feedback_correct is not a number: '2.5'"),
        ({"question": "q", "query": "SELECT 1", "metadata": "{"}, "metadata is not a JSON object"),
        ({"question": "q", "query": "SELECT 1", "metadata": "[" * 200_000}, "metadata is not a JSON object"),
        ({"question": "q", "query": "SELECT 1", "metadata": "[1]"}, "metadata must be a mapping .* not list"),
        ({"question": "q", "query": "SELECT 1", "metadata": '{"a": {"b": 1}}'}, r"metadata\['a'\] is dict; only flat"),
        ({"question": "q", "query": "SELECT 1", "embedding_model": "words", "vector": "?"}, "not base64 of float32"),
        ({"question": "q", "query": "SELECT 1", "embedding_model": "words", "vector": "AAA="}, "not base64 of float32"),
        (
            {"question": "q", "query": "SELECT 1", "embedding_model": "words", "vector": "AACAPw=="},
            r"shape \(1, 1\), expected \(1, 64\)",
        ),
    ],
    ids=lambda value: f"{value!r:.60}" if isinstance(value, dict) else "",
)
async def test_a_bad_row_is_refused_with_its_index_before_anything_is_written(
    cache: Medha, tmp_path: Path, kind: str, row: Any, message: str
) -> None:
    blank = dict.fromkeys(row)
    rows = [blank | {"question": "good", "query": "SELECT 1"}, row | dict.fromkeys({"query"} - row.keys())]
    with pytest.raises(InvalidEntryError, match=f"entry 1 was refused, nothing was stored: .*({message})") as refused:
        await cache.warm_from_file(_write(tmp_path / f"rows.{kind}", rows), batch_size=1)
    assert refused.value.index == 1
    assert await cache.count() == 0
    with pytest.raises(InvalidEntryError, match=message):
        await cache.warm_from_dataframe(pd.DataFrame(rows))


async def test_a_lone_surrogate_in_a_file_is_refused(cache: Medha, tmp_path: Path) -> None:
    for name, before, after in (("a.json", b"[", b"]"), ("a.jsonl", b"", b"\n")):
        (tmp_path / name).write_bytes(before + rb'{"question": "total \ud800", "query": "SELECT 1"}' + after)
        with pytest.raises(InvalidEntryError, match=r"entry 0 .*the question holds a lone surrogate at position 6"):
            await cache.warm_from_file(tmp_path / name)


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
async def test_a_failure_midway_says_how_many_are_stored(
    cache: Medha, backend: WatchedBackend, tmp_path: Path, kind: str
) -> None:
    seen: list[tuple[int, int]] = []

    def watch(done: int, total: int) -> None:
        seen.append((done, total))
        backend.down = done == 6

    path = _write(tmp_path / f"rows.{kind}", GOOD)
    with pytest.raises(PartialWriteError, match=r"stopped after 6 of 10 entries, which are stored: .*off") as stopped:
        await cache.warm_from_file(path, batch_size=3, on_progress=watch)
    assert stopped.value.stored == 6
    assert seen == [(3, 10), (6, 10)]
    backend.down = False
    assert await cache.count() == 6


async def test_a_file_that_changes_while_it_is_read_is_a_partial_write(cache: Medha, tmp_path: Path) -> None:
    rows = [row | {"response_summary": "x" * 50_000} for row in GOOD]
    path = _write(tmp_path / "rows.jsonl", rows)
    with pytest.raises(PartialWriteError, match="stopped after 2 of 10 entries") as stopped:
        await cache.warm_from_file(path, batch_size=2, on_progress=lambda done, total: os.truncate(path, 120_000))
    assert isinstance(stopped.value.__cause__, FileFormatError)
    assert await cache.count() == stopped.value.stored == 2


async def test_a_vector_in_the_same_batch_as_a_failing_embedder_is_not_stored_by_half(
    cache: Medha, embedder: Any
) -> None:
    embedder.down = True
    with pytest.raises(PartialWriteError, match="stopped after 0 of 2 entries"):
        await cache.store_many([GOOD[0] | {"vector": [1.0] * 64}, GOOD[1]])
    assert await cache.count() == 0


async def test_only_files_in_the_allowed_folder_are_read(make_cache: MakeCache, tmp_path: Path) -> None:
    allowed, secret = tmp_path / "allowed", tmp_path / "secret"
    allowed.mkdir()
    secret.mkdir()
    _write(secret / "pairs.jsonl", GOOD)
    _write(allowed / "pairs.jsonl", GOOD)
    (tmp_path / "allowed2").mkdir()
    _write(tmp_path / "allowed2" / "pairs.jsonl", GOOD)
    (allowed / "link.jsonl").symlink_to(secret / "pairs.jsonl")
    (allowed / "folder").symlink_to(secret)
    (tmp_path / "way_in").symlink_to(allowed)
    async with make_cache(allowed_file_dir=tmp_path / "way_in") as cache:
        for name in ("link.jsonl", "folder/pairs.jsonl", "../secret/pairs.jsonl", "../allowed2/pairs.jsonl"):
            with pytest.raises(FileNotAllowedError, match=r"outside allowed_file_dir = .*MEDHA_ALLOWED_FILE_DIR"):
                await cache.warm_from_file(allowed / name)
        assert await cache.warm_from_file(tmp_path / "way_in" / "folder" / ".." / "allowed" / "pairs.jsonl") == 10


async def test_a_file_over_the_largest_size_is_refused(make_cache: MakeCache, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.touch()
    os.truncate(path, 200_000_001)
    async with make_cache() as cache:
        with pytest.raises(FileTooLargeError, match=r"200\.0 MB, more than max_file_size_mb = 100; .*MAX_FILE_SIZE_MB"):
            await cache.warm_from_file(path)
    exact = _write(tmp_path / "exact.jsonl", GOOD)
    async with make_cache(max_file_size_mb=exact.stat().st_size / 1e6) as cache:
        assert await cache.warm_from_file(exact) == 10
        exact.write_text(exact.read_text() + "\n")
        with pytest.raises(FileTooLargeError, match=r"exact\.jsonl"):
            await cache.warm_from_file(exact)


async def test_what_cannot_be_read_is_an_error_that_names_it(cache: Medha, tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "loop.json").symlink_to(tmp_path / "loop.json")
    for name, reason in (
        ("folder.json", "cannot read .*folder.json: it is a folder, not a file"),
        ("pipe.json", "cannot read .*pipe.json: it is a device, not a file"),
        ("absent.json", "cannot read .*absent.json: No such file or directory"),
        ("loop.json", "loop.json"),
        (f"{'x' * 300}.json", "File name too long"),
        ("\ud800.json", "is no usable path|cannot read"),
    ):
        with pytest.raises(FileError, match=reason):
            await cache.warm_from_file(tmp_path / name)
    with pytest.raises(FileError, match=r"'~nobody-here/rows.json' is no usable path: .*home"):
        await cache.warm_from_file("~nobody-here/rows.json")


@pytest.mark.parametrize("path", ["", None, 7, b"rows.json", "rows\0.json"])
async def test_what_is_no_path_is_refused(cache: Medha, path: Any) -> None:
    for call in (cache.warm_from_file, cache.export_to_file):
        with pytest.raises(FileError, match="a file path must be a non-empty str or Path without NUL, not"):
            await call(path)


@pytest.mark.parametrize("frame", [None, [], {"question": ["q"]}, "frame", pd.Series([1, 2])], ids=type)
async def test_what_is_no_dataframe_is_refused(cache: Medha, frame: Any) -> None:
    with pytest.raises(FileFormatError, match="expected a pandas or polars DataFrame, not"):
        await cache.warm_from_dataframe(frame)


async def test_absent_values_of_a_dataframe_are_absent(cache: Medha, backend: WatchedBackend) -> None:
    rows: list[dict[str, Any]] = [GOOD[0] | {"ttl": 5.0, "feedback_correct": 2, "response_summary": "s"}, GOOD[1]]
    assert await cache.warm_from_dataframe(pd.DataFrame(rows)) == 2
    first, second = sorted((await backend.scroll("tests")).entries, key=lambda entry: entry.question)
    assert (first.feedback_correct, first.response_summary) == (2, "s")
    assert (second.feedback_correct, second.response_summary, second.expires_at) == (0, None, None)


async def test_a_bad_batch_size_stores_nothing(cache: Medha, tmp_path: Path) -> None:
    path = _write(tmp_path / "rows.jsonl", GOOD)
    with pytest.raises(InvalidInputError, match="batch_size must be a positive int, not 0"):
        await cache.warm_from_file(path, batch_size=0)
    with pytest.raises(InvalidEntryError, match="entry 0 was refused, nothing was stored: ttl must be"):
        await cache.warm_from_file(path, ttl=-1)
    assert await cache.count() == 0


@pytest.fixture
def memory() -> Generator[Callable[[], int], None, None]:
    """The most memory in use since the start of the test, in bytes."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
async def test_a_big_file_is_never_held_whole(
    cache: Medha, tmp_path: Path, memory: Callable[[], int], kind: str
) -> None:
    path, row = tmp_path / f"big.{kind}", {"question": "q", "query": "x" * 20_000}
    body = {"json": json.dumps(row) + ",\n", "jsonl": json.dumps(row) + "\n", "csv": f"q,{row['query']}\n"}[kind]
    first = {"json": "[", "jsonl": "", "csv": "question,query\n"}[kind]
    last = {"json": '{"question": "q"}]', "jsonl": '{"question": "q"}', "csv": "q,"}[kind]
    with path.open("w") as file:
        file.write(first)
        file.writelines(body for _ in range(1000))
        file.write(last)
    assert path.stat().st_size > 20_000_000
    before = memory()
    with pytest.raises(InvalidEntryError, match="entry 1000 was refused, nothing was stored"):
        await cache.warm_from_file(path)
    assert memory() - before < 5_000_000
