"""Exports: warming from one gives the same cache back, and the file is there whole or not at all."""

from __future__ import annotations

import asyncio
import json
import math
import os
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medha import CacheEntry, Medha, NewEntry, Settings
from medha.errors import BackendUnavailableError, FileError, FileFormatError, FileNotAllowedError
from medha.memory import MemoryBackend

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from pathlib import Path

    from conftest import Clock, MakeCache, WatchedBackend, WordsEmbedder

FORMATS: Final = ("json", "jsonl", "csv")
ENTRIES: Final = [
    NewEntry(question="total sales", generated_query="SELECT 1"),
    NewEntry(question='Umlaut “Ä”, 🎸 and "quotes"', generated_query=";,\t\"'", response_summary="a\nb\r\nc\rd"),
    NewEntry(question="שלום\u2028עולם", generated_query=" SELECT\u2029 2 ", template_id="t,1", ttl=60),
    NewEntry(question="=1+1", generated_query="{'a': [1]}", ttl=None, feedback_correct=7, feedback_incorrect=2),
    NewEntry(question="NaN", generated_query="null", created_at=0.1 + 0.2, expires_at=1e15 + 0.125),
    NewEntry(question="total sales", generated_query="SELECT 3", metadata={"text": 'é"\n,', "empty": "", "year": 2024}),
    NewEntry(question="total sales", generated_query="SELECT 4", metadata={"yes": True, "no": False, "one": 1}),
    NewEntry(question="total sales", generated_query="SELECT 5", metadata={"one": 1.5, "big": 2**53, "small": 5e-324}),
    NewEntry(question="x" * 8000, generated_query="y" * 300_000, expires_at=1.0),
    NewEntry(question="given", generated_query="SELECT 6", vector=[1.0, 2.0, *[0.0] * 62]),
]


async def _everything(backend: MemoryBackend, collection: str = "tests") -> dict[str, tuple[CacheEntry, bytes]]:
    """Every entry with the bytes of its vector, by id."""
    page = await backend.scroll(collection, limit=10_000, with_vectors=True)
    assert page.cursor is None
    return {entry.id: (entry, np.asarray(entry.vector).tobytes()) for entry in page.entries}


@asynccontextmanager
async def _another(embedder: WordsEmbedder, clock: Clock, **options: Any) -> AsyncGenerator[Medha, None]:
    """A cache of the same collection on a backend of its own, a day later."""
    clock.now += 86_400
    async with Medha("tests", embedder, MemoryBackend(), Settings(**options), clock=clock) as cache:
        yield cache


@pytest.mark.parametrize("kind", FORMATS)
async def test_warming_from_an_export_gives_the_same_cache_back(
    cache: Medha, backend: WatchedBackend, embedder: WordsEmbedder, clock: Clock, tmp_path: Path, kind: str
) -> None:
    await cache.store_many(ENTRIES)
    path = tmp_path / f"entries.{kind}"
    assert await cache.export_to_file(path) == len(ENTRIES)
    embedder.calls.clear()
    async with _another(embedder, clock, default_ttl_seconds=5) as other:
        assert await other.warm_from_file(path) == len(ENTRIES)
        warmed = await _everything(other._live.parts.storage.backend)  # pyright: ignore[reportArgumentType]
    assert warmed == await _everything(backend)
    assert embedder.calls == []


async def test_warming_from_an_exported_dataframe_gives_the_same_cache_back(
    cache: Medha, backend: WatchedBackend, embedder: WordsEmbedder, clock: Clock
) -> None:
    await cache.store_many(ENTRIES)
    frame = await cache.export_to_dataframe(include_vectors=True)
    embedder.calls.clear()
    async with _another(embedder, clock) as other:
        assert await other.warm_from_dataframe(frame) == len(ENTRIES)
        warmed = await _everything(other._live.parts.storage.backend)  # pyright: ignore[reportArgumentType]
    assert warmed == await _everything(backend)
    assert embedder.calls == []


_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
_scalars = st.one_of(
    st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), _text
)
_instants = st.floats(-1e12, 1e12)
_entries = st.builds(
    NewEntry,
    question=_text.map(lambda text: f"q{text}"),
    generated_query=_text.map(lambda text: f"q{text}"),
    response_summary=st.none() | _text,
    template_id=st.none() | _text,
    metadata=st.dictionaries(st.sampled_from(["a", "b", "c-d"]), _scalars, max_size=3),
    created_at=_instants,
    expires_at=st.none() | _instants,
    feedback_correct=st.integers(0, 2**53),
    feedback_incorrect=st.integers(0, 2**53),
    vector=st.lists(st.floats(-1e3, 1e3), min_size=64, max_size=64).filter(lambda v: math.hypot(*v) > 1e-3),
)


@pytest.mark.parametrize("kind", FORMATS)
@given(entries=st.lists(_entries, max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_entry_survives_a_file(embedder: WordsEmbedder, tmp_path: Path, kind: str, entries: list[NewEntry]) -> None:
    async def there_and_back() -> None:
        first, second, path = MemoryBackend(), MemoryBackend(), tmp_path / f"any.{kind}"
        async with Medha("tests", embedder, first) as cache:
            await cache.store_many(entries)
            await cache.export_to_file(path)
        async with Medha("tests", embedder, second) as cache:
            await cache.warm_from_file(path)
            assert await _everything(second) == await _everything(first)

    asyncio.run(there_and_back())


@pytest.mark.parametrize("kind", FORMATS)
async def test_warming_into_the_same_collection_changes_nothing(
    cache: Medha, backend: WatchedBackend, clock: Clock, tmp_path: Path, kind: str
) -> None:
    await cache.store_many(ENTRIES)
    before = await _everything(backend)
    await cache.export_to_file(tmp_path / f"entries.{kind}")
    clock.now += 1000
    await cache.warm_from_file(tmp_path / f"entries.{kind}")
    assert await _everything(backend) == before


@pytest.mark.parametrize("kind", FORMATS)
async def test_an_empty_collection_is_exported_and_warmed_from(cache: Medha, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"empty.{kind}"
    assert await cache.export_to_file(path) == 0
    assert path.exists()
    assert await cache.warm_from_file(path) == 0
    frame = await cache.export_to_dataframe()
    assert list(frame.columns[:3]) == ["id", "question", "generated_query"]
    assert await cache.warm_from_dataframe(frame) == 0


@pytest.mark.parametrize("kind", FORMATS)
async def test_a_vector_of_another_model_is_not_used(
    cache: Medha, backend: WatchedBackend, embedder: WordsEmbedder, clock: Clock, tmp_path: Path, kind: str
) -> None:
    await cache.store_many([{"question": "given", "query": "SELECT 1", "vector": [1.0] * 64}])
    await cache.export_to_file(tmp_path / f"entries.{kind}")
    embedder.calls.clear()
    embedder.model_name = "other words"  # pyright: ignore[reportAttributeAccessIssue]
    async with _another(embedder, clock) as other:
        await other.warm_from_file(tmp_path / f"entries.{kind}")
        warmed = await _everything(other._live.parts.storage.backend)  # pyright: ignore[reportArgumentType]
    assert [texts for texts, _ in embedder.calls] == [["given"]]
    assert [vector for _, vector in warmed.values()] != [vector for _, vector in (await _everything(backend)).values()]


@pytest.mark.parametrize("kind", FORMATS)
async def test_an_export_without_vectors_is_embedded_again(
    cache: Medha, embedder: WordsEmbedder, clock: Clock, tmp_path: Path, kind: str
) -> None:
    await cache.store("total sales", "SELECT 1")
    await cache.export_to_file(tmp_path / f"entries.{kind}", include_vectors=False)
    assert "vector" not in (tmp_path / f"entries.{kind}").read_text("utf-8")
    embedder.calls.clear()
    async with _another(embedder, clock) as other:
        await other.warm_from_file(tmp_path / f"entries.{kind}")
    assert [texts for texts, _ in embedder.calls] == [["total sales"]]


async def test_an_export_can_be_read_by_other_programs(cache: Medha, tmp_path: Path) -> None:
    await cache.store_many(ENTRIES)
    for kind in FORMATS:
        await cache.export_to_file(tmp_path / f"entries.{kind}")
    questions = sorted(entry.question for entry in ENTRIES)
    rows = json.loads((tmp_path / "entries.json").read_text("utf-8"))
    lines = [json.loads(line) for line in (tmp_path / "entries.jsonl").read_text("utf-8").split("\n") if line]
    frame = pd.read_csv(tmp_path / "entries.csv", keep_default_na=False, lineterminator=None)
    assert sorted(row["question"] for row in rows) == questions
    assert sorted(row["question"] for row in lines) == questions
    assert sorted(frame["question"]) == questions


def _note(seen: list[tuple[int, int]]) -> Callable[[int, int], None]:
    return lambda done, total: seen.append((done, total))


async def test_filters_choose_what_is_exported(cache: Medha, tmp_path: Path) -> None:
    await cache.store_many(ENTRIES)
    seen: list[tuple[int, int]] = []
    path = tmp_path / "some.jsonl"
    written = await cache.export_to_file(path, filters={"year": 2024.0}, on_progress=_note(seen))
    assert (written, seen) == (1, [(1, 1)])
    assert json.loads(path.read_text("utf-8"))["metadata"]["year"] == 2024
    assert list((await cache.export_to_dataframe(filters={"one": 1}))["generated_query"]) == ["SELECT 4"]


async def test_an_export_of_many_pages_is_one_array(cache: Medha, tmp_path: Path) -> None:
    await cache.store_many([{"question": f"question {i}", "query": "SELECT 1"} for i in range(1234)])
    seen: list[tuple[int, int]] = []
    assert await cache.export_to_file(tmp_path / "many.json", on_progress=_note(seen)) == 1234
    assert len({row["id"] for row in json.loads((tmp_path / "many.json").read_bytes())}) == 1234
    assert seen[-1] == (1234, 1234)
    assert len(seen) > 1


def _switch_off(backend: WatchedBackend) -> Callable[[int, int], None]:
    def switch(done: int, total: int) -> None:
        backend.down = True

    return switch


@pytest.mark.parametrize("kind", FORMATS)
async def test_an_export_that_fails_midway_leaves_the_old_file(
    cache: Medha, backend: WatchedBackend, tmp_path: Path, kind: str
) -> None:
    await cache.store_many([{"question": f"question {i}", "query": "SELECT 1"} for i in range(1200)])
    path = tmp_path / f"entries.{kind}"
    path.write_text("the old file")
    with pytest.raises(BackendUnavailableError, match="switched off"):
        await cache.export_to_file(path, on_progress=_switch_off(backend))
    assert path.read_text() == "the old file"
    assert list(tmp_path.iterdir()) == [path]


async def test_an_export_that_is_cancelled_leaves_nothing(cache: Medha, tmp_path: Path) -> None:
    await cache.store_many([{"question": f"question {i}", "query": "SELECT 1"} for i in range(1200)])
    export = asyncio.ensure_future(
        cache.export_to_file(tmp_path / "entries.json", on_progress=lambda done, total: export.cancel())
    )
    with pytest.raises(asyncio.CancelledError):
        await export
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path, None, None]:
    """A disk of 64 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


async def test_an_export_to_a_full_disk_is_an_error_and_leaves_the_old_file(cache: Medha, small_disk: Path) -> None:
    await cache.store_many([{"question": f"question {i}", "query": "x" * 1000} for i in range(200)])
    (small_disk / "entries.jsonl").write_text("the old file")
    with pytest.raises(FileError, match=r"cannot write .*entries\.jsonl: No space left on device; what was there"):
        await cache.export_to_file(small_disk / "entries.jsonl")
    assert [path.read_text() for path in small_disk.iterdir()] == ["the old file"]


async def test_a_target_that_cannot_be_written_is_an_error_that_names_it(cache: Medha, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.json").mkdir()
    for target, reason in (
        ("file/entries.json", "Not a directory"),
        ("absent/entries.json", "No such file or directory"),
        ("folder.json", "Is a directory"),
    ):
        with pytest.raises(FileError, match=f"cannot write .*{target}: {reason}"):
            await cache.export_to_file(tmp_path / target)
    with pytest.raises(FileFormatError, match=r"'entries\.xlsx' says no format; use \.json, \.jsonl, \.ndjson, \.csv"):
        await cache.export_to_file(tmp_path / "entries.xlsx")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.json"]


async def test_an_export_stays_inside_the_allowed_folder(make_cache: MakeCache, tmp_path: Path) -> None:
    allowed, outside = tmp_path / "allowed", tmp_path / "outside"
    allowed.mkdir()
    outside.mkdir()
    (allowed / "link").symlink_to(outside)
    (allowed / "entries.json").symlink_to(outside / "entries.json")
    async with make_cache(allowed_file_dir=allowed) as cache:
        for target in ("link/entries.json", "entries.json", "../outside/entries.json", "../allowed2/entries.json"):
            with pytest.raises(FileNotAllowedError, match=r"outside allowed_file_dir = .*MEDHA_ALLOWED_FILE_DIR"):
                await cache.export_to_file(allowed / target)
        assert await cache.export_to_file(allowed / "link" / ".." / "allowed" / "fine.json") == 0
    assert list(outside.iterdir()) == []
