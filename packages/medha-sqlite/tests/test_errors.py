"""Every way in which the file can fail is a typed error that names it; what was stored stays stored."""

from __future__ import annotations

import itertools
import os
import resource
import sqlite3
import subprocess
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from medha.errors import BackendError, BackendUnavailableError, BackendWriteError, CollectionNotFoundError
from medha.where import Where
from medha_conformance.corpus import SPEC, make_entries, make_entry, make_id
from medha_sqlite import SqliteBackend, SqliteSettings
from medha_sqlite.errors import explain

if TYPE_CHECKING:
    from collections.abc import Generator

UNAVAILABLE = {"BUSY", "LOCKED", "PROTOCOL", "CANTOPEN", "AUTH", "NOMEM"}
WRITE = {"FULL", "READONLY", "PERM", "IOERR", "NOLFS", "TOOBIG", "CONSTRAINT", "MISMATCH"}
OTHER = {
    "ERROR", "INTERNAL", "ABORT", "INTERRUPT", "CORRUPT", "NOTFOUND", "EMPTY", "SCHEMA", "MISUSE", "FORMAT", "RANGE",
    "NOTADB", "NOTICE", "WARNING",
}  # fmt: skip
ERROR_CLASSES = [
    kind
    for kind in vars(sqlite3).values()
    if isinstance(kind, type) and issubclass(kind, sqlite3.Error | sqlite3.Warning)
]


def result_codes() -> dict[str, int]:
    """Every result code that this Python knows, extended ones too; DENY and IGNORE share numbers with real ones."""
    names = UNAVAILABLE | WRITE | OTHER
    return {
        name: value
        for name, value in vars(sqlite3).items()
        if name.startswith("SQLITE_") and name.split("_")[1] in names and not name.startswith("SQLITE_LIMIT")
    }


@pytest.mark.parametrize("name", sorted(result_codes()))
def test_every_result_code_becomes_the_error_of_its_kind_and_names_the_file(name: str) -> None:
    exc = sqlite3.OperationalError("what SQLite says")
    exc.sqlite_errorcode, exc.sqlite_errorname = result_codes()[name], name
    primary = name.split("_")[1]
    expected = (
        BackendUnavailableError if primary in UNAVAILABLE else BackendWriteError if primary in WRITE else BackendError
    )
    error = explain(exc, doing="storing 3 entries", path=Path("/data/medha.db"))
    assert type(error) is expected
    assert "storing 3 entries in /data/medha.db" in str(error)
    assert name in str(error)


@pytest.mark.parametrize("kind", ERROR_CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_class_of_the_driver_becomes_a_backend_error(kind: type[Exception]) -> None:
    error = explain(kind("what the driver says"), doing="counting 'music'", path=Path("/data/medha.db"))
    assert isinstance(error, BackendError)
    assert "/data/medha.db" in str(error)
    assert "what the driver says" in str(error)


def test_every_primary_result_code_of_sqlite_is_sorted_into_a_kind() -> None:
    primary = {value for value in result_codes().values() if value <= 0xFF}
    assert set(range(1, 29)) - primary == set()


@contextmanager
def write_lock(path: Path, kind: str = "IMMEDIATE") -> Generator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"BEGIN {kind}")
        yield
        other.execute("ROLLBACK")


async def test_a_locked_file_is_unavailable_for_writes_only_and_works_again_when_released(
    backend: SqliteBackend, path: Path
) -> None:
    await backend.upsert("music", [make_entry("albums")])
    with write_lock(path):
        with pytest.raises(BackendUnavailableError, match=r"medha\.db: .* holds the write lock") as caught:
            await backend.upsert("music", [make_entry("artists")])
        assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
        with pytest.raises(BackendUnavailableError):
            await backend.delete("music", where=Where())
        with pytest.raises(BackendUnavailableError):
            await backend.add_feedback("music", make_id("albums"), correct=1)
        with pytest.raises(BackendUnavailableError):
            await backend.drop_collection("music")
        assert await backend.count("music") == 1
    await backend.upsert("music", [make_entry("artists")])
    assert await backend.count("music") == 2


async def test_a_file_that_another_program_has_to_itself_is_unavailable_until_it_lets_go(path: Path) -> None:
    backend = SqliteBackend(SqliteSettings(path=path, busy_timeout=0.01))
    with write_lock(path, "EXCLUSIVE"), pytest.raises(BackendUnavailableError, match="MEDHA_SQLITE_BUSY_TIMEOUT"):
        await backend.connect()
    with pytest.raises(BackendUnavailableError, match="not connected"):
        await backend.count("music")
    await backend.connect()
    await backend.initialize("music", SPEC)
    assert await backend.count("music") == 0
    await backend.close()


@pytest.mark.parametrize("synchronous", ["full", "normal"])
async def test_a_backend_that_is_not_connected_says_so_before_connect_and_after_close(
    path: Path, synchronous: Any
) -> None:
    backend = SqliteBackend(SqliteSettings(path=path, synchronous=synchronous))
    for _ in range(2):
        with pytest.raises(BackendUnavailableError, match=r"not connected to .*medha\.db"):
            await backend.get("music", ["x"])
        with pytest.raises(BackendUnavailableError, match="not connected"):
            await backend.initialize("music", SPEC)
        await backend.connect()
        await backend.connect()
        with pytest.raises(CollectionNotFoundError):
            await backend.count("music")
        await backend.close()
        await backend.close()


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def content_of(path: Path) -> bytes:
    return path.read_bytes()


@pytest.mark.parametrize("content", [b"id,question\n1,how many\n" * 400, b"\x00" * 8192], ids=["text", "zeros"])
async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(path: Path, content: bytes) -> None:
    write(path, content)
    with pytest.raises(BackendError, match=r"medha\.db: the file is damaged, or is not an SQLite database"):
        await SqliteBackend(SqliteSettings(path=path)).connect()
    assert content_of(path) == content


async def test_a_file_removed_while_open_is_an_error_until_it_is_back(backend: SqliteBackend, path: Path) -> None:
    await backend.upsert("music", [make_entry("albums")])
    elsewhere = path.with_name("elsewhere")
    move(path, elsewhere)
    with pytest.raises(BackendUnavailableError, match=r"medha\.db was removed or replaced while it was open"):
        await backend.upsert("music", [make_entry("artists")])
    write(path, b"")
    with pytest.raises(BackendUnavailableError, match="removed or replaced"):
        await backend.count("music")
    move(elsewhere, path)
    await backend.upsert("music", [make_entry("artists")])
    assert await backend.count("music") == 2


def move(source: Path, target: Path) -> None:
    source.replace(target)


async def test_an_empty_file_becomes_a_database(path: Path) -> None:
    write(path, b"")
    backend = SqliteBackend(SqliteSettings(path=path))
    await backend.connect()
    await backend.initialize("music", SPEC)
    await backend.close()


async def stored_file(path: Path, count: int = 300) -> None:
    backend = SqliteBackend(SqliteSettings(path=path))
    await backend.connect()
    await backend.initialize("music", SPEC)
    await backend.upsert("music", make_entries(count))
    await backend.close()


async def test_a_file_with_overwritten_pages_is_reported_as_damaged(path: Path) -> None:
    await stored_file(path)
    overwrite_pages(path)
    backend = SqliteBackend(SqliteSettings(path=path))
    await backend.connect()
    with pytest.raises(BackendError, match=r"medha\.db.*damaged.*\.recover"):
        await backend.scroll("music", limit=1000)
    await backend.close()


async def test_a_truncated_file_is_reported_as_damaged(path: Path) -> None:
    await stored_file(path)
    truncate(path)
    with pytest.raises(BackendError, match=r"medha\.db.*damaged"):
        await SqliteBackend(SqliteSettings(path=path)).connect()


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite_pages(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(5 * 4096)
        file.write(os.urandom(path.stat().st_size - 6 * 4096))


async def test_a_folder_as_path_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailableError, match=r"cannot be opened.*must not be a folder"):
        await SqliteBackend(SqliteSettings(path=tmp_path)).connect()


async def test_a_path_in_a_folder_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    backend = SqliteBackend(SqliteSettings(path=tmp_path / "nowhere" / "medha.db"))
    with pytest.raises(BackendUnavailableError, match="folder must exist"):
        await backend.connect()
    (tmp_path / "nowhere").mkdir()
    await backend.connect()
    await backend.close()


async def test_the_database_of_another_application_is_refused_and_left_as_it_is(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE entries (a)")
    content = content_of(path)
    with pytest.raises(BackendError, match="another application"):
        await SqliteBackend(SqliteSettings(path=path)).connect()
    assert content_of(path) == content


async def test_a_file_of_a_newer_version_is_refused(
    backend: SqliteBackend, by_hand: sqlite3.Connection, path: Path
) -> None:
    by_hand.execute("PRAGMA user_version = 2")
    with pytest.raises(BackendError, match=r"newer medha-sqlite \(schema 2; .* up to 1\).*--upgrade"):
        await SqliteBackend(SqliteSettings(path=path)).connect()


@contextmanager
def small_disk(folder: Path) -> Generator[Path]:
    """A file system of 512 kB, where this user may mount one."""
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system to fill")
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine lets nobody mount: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk_loses_nothing_and_is_forgotten_when_there_is_room_again(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        backend = SqliteBackend(SqliteSettings(path=disk / "medha.db"))
        await backend.connect()
        await backend.initialize("music", SPEC)
        await backend.upsert("music", make_entries(50))
        ballast = disk / "ballast"
        fill(ballast)
        with pytest.raises(BackendWriteError, match="disk is full; what was stored before is intact"):
            await backend.upsert("music", make_entries(2000, "more"))
        assert await backend.count("music") == 50
        ballast.unlink()
        await backend.upsert("music", make_entries(20, "more"))
        assert await backend.count("music") == 70
        await backend.close()


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as ballast, pytest.raises(OSError, match="No space left"):
        ballast.writelines(itertools.repeat(b"x" * 1024))


async def test_a_write_that_the_system_refuses_loses_nothing_and_works_later(
    backend: SqliteBackend, path: Path
) -> None:
    await backend.upsert("music", make_entries(50))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(BackendWriteError, match=r"failed to read or write the file.*IOERR"):
            await backend.upsert("music", make_entries(2000, "more"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert await backend.count("music") == 50
    await backend.upsert("music", make_entries(2000, "more"))
    assert await backend.count("music") == 2050


@contextmanager
def read_only(folder: Path) -> Generator[None]:
    """The folder, which is a mount of its own for root, cannot be written meanwhile."""
    if os.geteuid() != 0:
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    yield
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)


@contextmanager
def folder_to_lock(folder: Path) -> Generator[Path]:
    if os.geteuid() == 0:
        with small_disk(folder) as disk:
            yield disk
    else:
        folder.mkdir()
        yield folder


@pytest.mark.parametrize("with_file", [True, False])
async def test_a_read_only_folder_is_a_clear_error_and_what_is_in_it_is_kept(tmp_path: Path, with_file: bool) -> None:
    with folder_to_lock(tmp_path / "folder") as folder:
        path = folder / "medha.db"
        if with_file:
            await stored_file(path, 20)
        with read_only(folder):
            backend = SqliteBackend(SqliteSettings(path=path))
            with pytest.raises((BackendUnavailableError, BackendWriteError), match=r"medha\.db.*writable"):
                await backend.connect()
        await backend.connect()
        await backend.initialize("music", SPEC)
        assert await backend.count("music") == (20 if with_file else 0)
        await backend.close()
