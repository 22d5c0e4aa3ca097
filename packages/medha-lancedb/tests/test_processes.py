"""Several processes on one folder, and processes that are killed."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from medha_conformance.corpus import make_entry, make_id
from medha_conformance.suite.reading import closest, read_all, read_one

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from medha_lancedb import LanceBackend

PROGRAM = Path(__file__).with_name("other_process.py")
TASKS = 8


class OtherProcess:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def begin(self, order: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the other process has died; its error output is above"
        return line.strip()

    def ask(self, order: str) -> str:
        self.begin(order)
        return self.answer()


@contextmanager
def other_process(folder: Path) -> Generator[OtherProcess]:
    command = [sys.executable, str(PROGRAM), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield OtherProcess(process)
        except BaseException:
            # one that stores for ever does not end by itself
            process.kill()
            raise


@pytest.mark.long
async def test_two_processes_see_each_others_writes_at_the_next_call(backend: LanceBackend, folder: Path) -> None:
    with other_process(folder) as other:
        assert other.answer() == "ready"
        await backend.upsert("music", [make_entry("mine")])
        assert other.ask("search") == make_id("mine")
        assert other.ask("store theirs") == "done"
        both = sorted([make_id("mine"), make_id("theirs")])
        assert sorted(match.entry.id for match in await closest(backend, "music")) == both
        assert other.ask("delete mine") == "1"
        assert await backend.get("music", [make_id("mine")]) == []
        assert [match.entry.id for match in await closest(backend, "music")] == [make_id("theirs")]


@pytest.mark.long
async def test_processes_that_make_a_table_at_once_all_get_it_and_lose_no_feedback(
    folder: Path, open_backend: Callable[..., Awaitable[LanceBackend]]
) -> None:
    with ExitStack() as stack:
        others = [stack.enter_context(other_process(folder)) for _ in range(3)]
        assert [await asyncio.to_thread(other.answer) for other in others] == ["ready"] * 3
        # all of them store the same new id at once
        for other in others:
            other.begin("store rated")
        assert [await asyncio.to_thread(other.answer) for other in others] == ["done"] * 3
        backend = await open_backend()
        assert await backend.count("music") == 1
        for other in others:
            other.begin("feedback rated")
        await asyncio.gather(*(backend.add_feedback("music", make_id("rated"), correct=1) for _ in range(20)))
        for other in others:
            await asyncio.to_thread(other.answer)
    assert (await read_one(backend, "music", make_id("rated"))).feedback_correct == 80


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
async def test_a_killed_process_loses_nothing_that_was_acknowledged(
    folder: Path, seed: int, open_backend: Callable[..., Awaitable[LanceBackend]]
) -> None:
    luck = random.Random(seed)
    acknowledged: dict[str, set[int]] = {}
    for life in ("first", "second"):
        with other_process(folder) as other:
            assert other.answer() == "ready"
            other.begin(f"store-for-ever {life}")
            acknowledged[life] = {int(other.answer()) for _ in range(luck.randint(1, 60))}
            other.process.kill()
            assert other.process.stdout is not None
            acknowledged[life] |= {int(line) for line in other.process.stdout if line.endswith("\n")}
    backend = await open_backend()
    stored = {entry.id: entry for entry in await read_all(backend, "music", with_vectors=True)}
    expected = [
        make_entry(f"{life}-{number}", metadata={"number": number})
        for life, numbers in acknowledged.items()
        for number in numbers
    ]
    assert [stored.get(entry.id) for entry in expected] == expected
    # what was under way may be there or not
    assert len(stored) - len(expected) <= TASKS * len(acknowledged)
    assert {match.entry.id for match in await closest(backend, "music", limit=10_000)} == set(stored)
    await backend.upsert("music", [make_entry("after")])
    assert await backend.count("music") == len(stored) + 1
