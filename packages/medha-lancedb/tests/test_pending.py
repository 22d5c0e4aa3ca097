"""Single stores that wait in a file beside the table, and the merges that put them into it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from medha import Where
from medha.errors import BackendError, BackendUnavailableError, BackendWriteError, CorruptEntryError
from medha_conformance.corpus import NOW, SPEC, axis, make_entries, make_entry, make_id, unit_vectors, vector_at
from medha_conformance.suite.reading import closest, outcome_of, read_all, read_one
from medha_lancedb import LanceBackend, LanceSettings
from medha_lancedb.buffer import Buffer
from medha_lancedb.errors import PENDING_EXPLANATIONS, explain_pending
from medha_lancedb.lock import acquire
from medha_lancedb.names import PENDING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Open = Callable[..., Awaitable[LanceBackend]]
    ByHand = Callable[[], Awaitable[Any]]


async def test_single_stores_make_no_version_of_the_table_and_are_found_in_every_way(
    backend: LanceBackend, by_hand: ByHand
) -> None:
    before = await (await by_hand()).version()
    entries = [make_entry(f"row-{number}", vector=vector_at(number / 10)) for number in range(9)]
    for entry in entries:
        await backend.upsert("music", [entry])
    assert await (await by_hand()).version() == before
    assert await (await by_hand()).count_rows() == 0
    assert await backend.get("music", [entries[3].id, "absent"]) == [entries[3].with_vector(None)]
    found = await closest(backend, "music", limit=5)
    assert [match.entry.id for match in found] == [entry.id for entry in reversed(entries)][:5]
    assert [match.similarity for match in found] == pytest.approx([0.8, 0.7, 0.6, 0.5, 0.4], abs=1e-5)
    assert {entry.id: entry for entry in await read_all(backend, "music", with_vectors=True, limit=2)} == {
        entry.id: entry for entry in entries
    }
    assert await backend.count("music") == 9


async def test_a_pending_row_hides_the_one_of_the_table_and_what_is_deleted_uncovers_nothing(
    backend: LanceBackend, open_backend: Open
) -> None:
    # in the table the hidden row is the closest of all, and of another tenant
    old = make_entry("contested", vector=axis(0), metadata={"tenant": "old"})
    others = [make_entry(f"other-{number}", vector=vector_at(0.5), metadata={"tenant": "new"}) for number in range(3)]
    await (await open_backend(write_ahead=False)).upsert("music", [old, *others])
    new = make_entry("contested", vector=vector_at(0.1), metadata={"tenant": "new"})
    await backend.upsert("music", [new])
    for where, count in ((Where(), 4), (Where(metadata={"tenant": "new"}), 4), (Where(metadata={"tenant": "old"}), 0)):
        assert await backend.count("music", where=where) == count
        assert len(await read_all(backend, "music", where=where, limit=2)) == count
        assert len(await closest(backend, "music", where=where, limit=10)) == count
    # as many as were asked for, though one of the closest is hidden
    assert {match.entry.id for match in await closest(backend, "music", limit=3)} == {entry.id for entry in others}
    assert await read_one(backend, "music", new.id) == new.with_vector(None)
    assert await backend.delete("music", where=Where(metadata={"tenant": "old"})) == 0
    assert await backend.delete("music", where=Where(query_hash=new.query_hash, metadata={"tenant": "new"})) >= 1
    assert await backend.get("music", [new.id]) == []
    assert new.id not in {entry.id for entry in await read_all(backend, "music")}


async def test_a_large_batch_replaces_what_waits(backend: LanceBackend, by_hand: ByHand) -> None:
    await backend.upsert("music", [make_entry("row-7", generated_query="SELECT 'old'")])
    await backend.upsert("music", [make_entry("waits")])
    batch = make_entries(500)
    await backend.upsert("music", batch)
    assert await (await by_hand()).count_rows() == 501
    assert await read_one(backend, "music", batch[7].id) == batch[7].with_vector(None)
    assert await backend.count("music") == 501


async def test_feedback_on_what_waits_is_counted_and_merged(backend: LanceBackend, open_backend: Open) -> None:
    entry = make_entry("rated")
    await backend.upsert("music", [entry])
    both = await asyncio.gather(
        *(backend.add_feedback("music", entry.id, correct=1) for _ in range(5)),
        backend.add_feedback("music", make_id("absent"), correct=1),
        backend.add_feedback("music", entry.id),
    )
    assert both == [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), None, (5, 0)]
    await backend.close()
    again = await open_backend(write_ahead=False)
    assert await again.add_feedback("music", entry.id, incorrect=1) == (5, 1)


async def test_closing_puts_everything_into_the_table(backend: LanceBackend, by_hand: ByHand, folder: Path) -> None:
    entries = make_entries(5)
    for entry in entries:
        await backend.upsert("music", [entry])
    await backend.close()
    rows = (await (await by_hand()).to_arrow()).to_pylist()
    assert {row["id"] for row in rows} == {entry.id for entry in entries}
    assert not list(folder.rglob("*-wal"))


@pytest.mark.long
async def test_ten_thousand_single_stores_do_not_become_many_files(
    folder: Path, open_backend: Open, by_hand: ByHand
) -> None:
    backend = await open_backend()
    entries = make_entries(10_000)
    for entry in entries:
        await backend.upsert("music", [entry])
    await backend.close()
    table = await by_hand()
    assert await table.count_rows() == 10_000
    # ten merges or eleven, and the version that the table began with
    assert await table.version() <= 13
    assert (await table.stats())["fragment_stats"]["num_fragments"] <= 11
    assert sum(1 for file in folder.rglob("*") if file.is_file()) < 60
    again = await open_backend()
    assert {entry.id: entry for entry in await read_all(again, "music", limit=5000)} == {
        entry.id: entry.with_vector(None) for entry in entries
    }


async def test_what_waits_has_a_bound_at_which_a_store_waits_for_the_merge_or_fails(
    folder: Path, open_backend: Open, beside: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backend = await open_backend(merge_after=2)
    for file in beside.glob("_versions/*"):
        file.rename(file.with_suffix(".away"))
    (beside / "_versions" / "18446744073709551614.manifest").write_bytes(b"no manifest")
    outcomes = [await outcome_of(backend.upsert("music", [entry])) for entry in make_entries(50)]
    stored = outcomes.count(None)
    assert stored == 20
    assert all(isinstance(outcome, BackendError) for outcome in outcomes[stored:])
    assert any("could not be merged, and waits on" in record.message for record in caplog.records)
    # nothing is lost by it
    (beside / "_versions" / "18446744073709551614.manifest").unlink()
    for file in beside.glob("_versions/*.away"):
        file.rename(file.with_suffix(".manifest"))
    again = await open_backend()
    assert await again.count("music") == stored


async def test_without_write_ahead_what_others_left_waiting_is_seen_and_changed(
    backend: LanceBackend, open_backend: Open
) -> None:
    table_only = await open_backend(write_ahead=False)
    await backend.upsert("music", make_entries(3))
    assert await table_only.count("music") == 3
    await table_only.upsert("music", [make_entry("row-1", generated_query="SELECT 'new'")])
    assert (await read_one(backend, "music", make_id("row-1"))).generated_query == "SELECT 'new'"
    assert await table_only.delete("music", where=Where(ids=[make_id("row-0"), make_id("row-1")])) == 2
    assert [entry.id for entry in await read_all(backend, "music")] == [make_id("row-2")]


async def test_without_write_ahead_there_is_no_file(table_only: LanceBackend, beside: Path) -> None:
    await table_only.upsert("music", [make_entry("albums")])
    await table_only.delete("music", where=Where())
    assert beside.exists()
    assert not list(beside.glob("medha_*"))


async def test_a_damaged_row_that_waits_is_never_merged_and_goes_by_its_id(
    backend: LanceBackend, folder: Path, by_hand: ByHand, damage: Callable[..., Awaitable[None]]
) -> None:
    bad, where = make_id("bad"), Where(metadata={"tenant": "acme"})
    await backend.upsert("music", [make_entry("bad"), make_entry("whole")])
    await damage(folder, "music", bad)
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: backend.get("music", [bad]),
        lambda: closest(backend, "music"),
        lambda: read_all(backend, "music"),
        lambda: backend.count("music", where=where),
        lambda: backend.delete("music", where=where),
    ]
    for call in calls:
        with pytest.raises(CorruptEntryError, match=f"{bad}.*delete it by its id"):
            await call()
    # whoever does not ask for it does not meet it
    assert await read_one(backend, "music", make_id("whole")) == make_entry("whole").with_vector(None)
    assert len(await closest(backend, "music", where=Where(ids=[make_id("whole")]))) == 1
    assert await backend.count("music") == 2
    batch = [*make_entries(200), make_entry("whole")]
    await backend.upsert("music", batch)
    assert await (await by_hand()).count_rows() == 201
    assert await backend.delete("music", where=Where(ids=[bad])) == 1
    await backend.upsert("music", [make_entry("bad")])
    await damage(folder, "music", bad)
    await backend.upsert("music", [*batch, make_entry("bad")])
    assert await read_one(backend, "music", bad) == make_entry("bad").with_vector(None)


async def test_a_row_whose_vector_is_cut_is_damaged(backend: LanceBackend, beside: Path) -> None:
    await backend.upsert("music", [make_entry("cut")])
    with closing(sqlite3.connect(beside / PENDING)) as database, database:
        database.execute("UPDATE pending SET vector = x'00ff', seq = seq + 1")
    with pytest.raises(CorruptEntryError, match=f"{make_id('cut')}.*delete it by its id"):
        await backend.get("music", [make_id("cut")])


@pytest.mark.parametrize("content", [b"no database at all, whatever its name says" * 100, b"SQLite format 3\0" * 500])
async def test_a_damaged_file_is_an_error_that_says_what_to_do(
    backend: LanceBackend, open_backend: Open, beside: Path, content: bytes
) -> None:
    await backend.upsert("music", [make_entry("albums")])
    await backend.close()
    (beside / PENDING).write_bytes(content)
    with pytest.raises(BackendError, match=rf"{PENDING}.*damaged.*move it away.*\.recover"):
        await open_backend()
    assert (beside / PENDING).read_bytes() == content
    (beside / PENDING).unlink()
    assert await (await open_backend()).count("music") == 1


async def test_a_file_of_another_table_is_refused(backend: LanceBackend, open_backend: Open, beside: Path) -> None:
    await backend.close()
    with closing(sqlite3.connect(beside / PENDING)) as database, database:
        database.execute("UPDATE made_for SET dimension = 9")
    with pytest.raises(BackendError, match=r"9 dimensions.*Move it away"):
        await open_backend()


async def test_a_folder_that_may_not_be_written_is_read_and_not_written(
    backend: LanceBackend, open_backend: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_: object) -> bool:
        return False

    await backend.upsert("music", [make_entry("waits")])
    monkeypatch.setattr(os, "access", nowhere)
    reader = await open_backend()
    assert await reader.count("music") == 1
    with pytest.raises(BackendWriteError, match="cannot be written"):
        await reader.upsert("music", [make_entry("refused")])
    await reader.close()
    await backend.close()
    # now nobody has it open, and SQLite has put its log away
    again = await open_backend()
    assert [entry.id for entry in await read_all(again, "music")] == [make_id("waits")]
    monkeypatch.undo()
    writer = await open_backend()
    await writer.upsert("music", [make_entry("later")])
    monkeypatch.setattr(os, "access", nowhere)
    assert await again.count("music") == 2


async def test_a_program_may_go_to_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    backend = LanceBackend(LanceSettings(uri="a place%20#?"))
    await backend.connect()
    await backend.initialize("music", SPEC)
    await backend.upsert("music", [make_entry("here")])
    monkeypatch.chdir(tmp_path / "there")
    await backend.upsert("music", [make_entry("there")])
    assert await backend.count("music") == 2
    await backend.close()
    assert [path.name for path in tmp_path.iterdir() if list(path.iterdir())] == ["here"]
    monkeypatch.chdir(tmp_path / "here")
    await backend.connect()
    assert await backend.count("music") == 2
    await backend.close()


async def test_tidying_the_table_up_leaves_what_waits_alone(
    backend: LanceBackend, by_hand: ByHand, beside: Path
) -> None:
    await backend.upsert("music", [make_entry("waits")])
    files = set(beside.glob("medha_*"))
    await (await by_hand()).optimize(cleanup_older_than=timedelta(milliseconds=1), delete_unverified=True)
    assert set(beside.glob("medha_*")) == files
    assert await backend.count("music") == 1


async def test_an_sqlite_that_is_too_old_is_told(
    folder: Path, open_backend: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 31, 1))
    with pytest.raises(BackendUnavailableError, match=r"needs SQLite 3\.37\.0.*MEDHA_LANCEDB_WRITE_AHEAD=false"):
        await open_backend()
    assert await (await open_backend(write_ahead=False)).count("music") == 0


@pytest.mark.parametrize("code", PENDING_EXPLANATIONS)
def test_what_sqlite_reports_is_typed_and_names_the_file(tmp_path: Path, code: int) -> None:
    exc = sqlite3.OperationalError("odd")
    exc.sqlite_errorcode = code | 0x100
    error = explain_pending(exc, doing="storing in", path=tmp_path / PENDING, collection="music")
    assert type(error) is PENDING_EXPLANATIONS[code][0]
    assert f"storing in {tmp_path / PENDING}: " in str(error)


@pytest.mark.parametrize(
    ("exc", "kind"),
    [
        (OverflowError("odd"), BackendWriteError),
        (sqlite3.ProgrammingError("odd"), BackendError),
        (PermissionError("odd"), BackendUnavailableError),
    ],
)
def test_what_has_no_code_is_typed_too(tmp_path: Path, exc: Exception, kind: type[BackendError]) -> None:
    assert type(explain_pending(exc, doing="storing in", path=tmp_path / PENDING, collection="music")) is kind


async def test_a_turn_is_one_process_s_and_comes_back_when_it_is_closed(backend: LanceBackend, beside: Path) -> None:
    await backend.upsert("music", [make_entry("albums")])
    lock = acquire(beside)
    deleting = asyncio.create_task(backend.delete("music", where=Where()))
    # a store is held back by nothing but the delete that came before it
    assert await backend.count("music") == 1
    assert not deleting.done()
    lock.close()
    assert await deleting == 1


async def test_with_full_every_file_is_on_the_disk_when_a_call_returns(
    open_backend: Open, beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: set[int] = set()
    fsync = os.fsync

    def watched(file: int) -> None:
        settled.add(os.fstat(file).st_ino)
        fsync(file)

    monkeypatch.setattr(os, "fsync", watched)
    backend = await open_backend(synchronous="full", merge_after=3, compact_after=2)
    for entry in make_entries(7):
        await backend.upsert("music", [entry])
    await backend.upsert("music", make_entries(200, "batch"))
    await backend.delete("music", where=Where(ids=[make_id("row-0")]))
    await backend.close()
    files = [beside.parent, *(path for path in beside.rglob("*") if not path.name.startswith("medha_"))]
    assert len(files) > 5
    assert [path for path in files if path.stat().st_ino not in settled] == []
    assert await (await open_backend()).count("music") == 206


async def test_beside_an_object_store_nothing_waits() -> None:
    buffer = Buffer(None, SPEC.dimension, "music", LanceSettings(uri="s3://bucket/folder"))
    await buffer.open()
    assert not buffer.takes
    assert await buffer.read(lambda view: len(view.rows)) == 0
    async with buffer.turn():
        assert await buffer.add_feedback([]) == []
    await buffer.close()


async def test_vectors_of_what_waits_are_as_they_were_given(backend: LanceBackend) -> None:
    entries = make_entries(20, expires_at=NOW + 1.5)
    for entry in entries:
        await backend.upsert("music", [entry])
    assert {entry.id: entry for entry in await read_all(backend, "music", with_vectors=True)} == {
        entry.id: entry for entry in entries
    }
    for query in unit_vectors(3, seed=9):
        for match in await closest(backend, "music", query, limit=5):
            vector = next(entry.vector for entry in entries if entry.id == match.entry.id)
            assert vector is not None
            assert match.similarity == pytest.approx(float(vector @ query), abs=1e-5)
