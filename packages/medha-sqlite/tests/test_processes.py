"""Several processes on one file, and processes that are killed."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from medha import Where
from medha_conformance.corpus import SPEC, make_entry, make_id
from medha_conformance.suite.reading import closest, read_all
from medha_sqlite import SqliteBackend, SqliteSettings

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import IO

PROGRAM = Path(__file__).with_name("other_process.py")
BATCH = 5


class OtherProcess:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    @property
    def output(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def begin(self, order: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        line = self.output.readline()
        assert line, "the other process has died; its error output is above"
        return line.strip()

    def ask(self, order: str) -> str:
        self.begin(order)
        return self.answer()


@contextmanager
def other_process(path: Path) -> Generator[OtherProcess]:
    command = [sys.executable, str(PROGRAM), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield OtherProcess(process)


async def test_two_processes_see_each_others_writes_at_the_next_call(backend: SqliteBackend, path: Path) -> None:
    with other_process(path) as other:
        assert other.answer() == "ready"
        await backend.upsert("music", [make_entry("mine")])
        assert other.ask("search") == make_id("mine")
        assert other.ask("store theirs") == "done"
        both = sorted([make_id("mine"), make_id("theirs")])
        assert sorted(match.entry.id for match in await closest(backend, "music")) == both
        assert other.ask("delete mine") == "1"
        assert await backend.get("music", [make_id("mine")]) == []
        assert [match.entry.id for match in await closest(backend, "music")] == [make_id("theirs")]
        await backend.add_feedback("music", make_id("theirs"), correct=1)
        assert other.ask("feedback theirs") == "(2, 0)"
        await backend.delete("music", where=Where())
        assert other.ask("search") == ""


@pytest.mark.long
async def test_processes_that_open_a_new_file_at_the_same_moment_all_get_it(path: Path) -> None:
    with ExitStack() as stack:
        others = [stack.enter_context(other_process(path)) for _ in range(4)]
        assert [other.answer() for other in others] == ["ready"] * 4
        for number, other in enumerate(others):
            other.begin(f"store {number}")
        assert [other.answer() for other in others] == ["done"] * 4
        assert len({other.ask("search") for other in others}) == 1


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2))])
async def test_a_killed_process_loses_nothing_that_was_acknowledged(path: Path, seed: int) -> None:
    luck = random.Random(seed)
    acknowledged: dict[str, int] = {}
    for life in range(2):
        with other_process(path) as other:
            assert other.answer() == "ready"
            other.begin(f"store-for-ever life{life}")
            for _ in range(luck.randint(1, 60)):
                acknowledged[f"life{life}"] = int(other.answer())
            other.process.kill()
            for line in other.output:
                if line.endswith("\n"):
                    acknowledged[f"life{life}"] = int(line)
    backend = SqliteBackend(SqliteSettings(path=path))
    await backend.connect()
    await backend.initialize("music", SPEC)
    stored = {entry.id: entry for entry in await read_all(backend, "music", with_vectors=True)}
    expected = [
        make_entry(f"{life}-{number}-{part}", metadata={"batch": number})
        for life, last in acknowledged.items()
        for number in range(last + 1)
        for part in range(BATCH)
    ]
    assert [stored.get(entry.id) for entry in expected] == expected
    # what was not acknowledged is there as a whole batch or not at all
    assert len(stored) % BATCH == 0
    assert len(stored) - len(expected) <= BATCH * len(acknowledged)
    assert {match.entry.id for match in await closest(backend, "music", limit=10_000)} == set(stored)
    await backend.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
