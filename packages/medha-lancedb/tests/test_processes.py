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

from medha import Where
from medha_conformance.corpus import SPEC, make_entry, make_id
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
def other_process(folder: Path, merge_after: int = 1000) -> Generator[OtherProcess]:
    command = [sys.executable, str(PROGRAM), str(folder), str(merge_after)]
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
@pytest.mark.parametrize(
    ("tasks", "merge_after"), [("in-a-row", 1), ("in-a-row", 7), ("in-a-row", 1000), ("by-many-tasks", 7)]
)
async def test_a_killed_process_loses_nothing_that_was_acknowledged(
    folder: Path, tasks: str, merge_after: int, open_backend: Callable[..., Awaitable[LanceBackend]]
) -> None:
    luck = random.Random(merge_after)
    acknowledged: dict[str, set[int]] = {}
    for life in ("first", "second"):
        with other_process(folder, merge_after) as other:
            assert other.answer() == "ready"
            other.begin(f"store-for-ever-{tasks} {life}")
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


MOMENTS = ["before-the-table", "after-the-table"]
"""When a merge stands still: before its rows are in the table, and when they are in both."""


async def everything(backend: LanceBackend) -> list[str]:
    """The ids, found in every way, which must agree."""
    scrolled = sorted(entry.id for entry in await read_all(backend, "music", limit=3))
    assert sorted(match.entry.id for match in await closest(backend, "music", limit=1000)) == scrolled
    assert await backend.count("music") == len(scrolled)
    assert sorted(entry.id for entry in await backend.get("music", scrolled)) == scrolled
    return scrolled


@pytest.mark.long
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_process_killed_in_a_merge_loses_nothing(
    folder: Path, moment: str, open_backend: Callable[..., Awaitable[LanceBackend]]
) -> None:
    names = [f"entry-{number}" for number in range(10)]
    ids = sorted(map(make_id, names))
    with other_process(folder) as other:
        assert other.answer() == "ready"
        assert [other.ask(f"store {name}") for name in names] == ["done"] * 10
        assert other.ask("feedback entry-3") == "(20, 0)"
        assert other.ask(f"merge {moment}") == "standing"
        other.process.kill()
    backend = await open_backend()
    assert await everything(backend) == ids
    assert (await read_one(backend, "music", make_id("entry-3"))).feedback_correct == 20
    # what is done now stays, though the merge is done once more
    assert await backend.add_feedback("music", make_id("entry-3"), correct=1) == (21, 0)
    assert await backend.delete("music", where=Where(ids=[make_id("entry-4")])) == 1
    await backend.close()
    again = await open_backend()
    assert await everything(again) == sorted(set(ids) - {make_id("entry-4")})
    assert (await read_one(again, "music", make_id("entry-3"))).feedback_correct == 21


@pytest.mark.long
@pytest.mark.parametrize("moment", MOMENTS)
async def test_while_another_process_merges_nothing_is_missing_and_nothing_deleted_comes_back(
    backend: LanceBackend, folder: Path, moment: str
) -> None:
    names = [f"entry-{number}" for number in range(10)]
    ids = set(map(make_id, names))
    with other_process(folder) as other:
        assert other.answer() == "ready"
        for name in names:
            assert other.ask(f"store {name}") == "done"
        assert other.ask(f"merge {moment}") == "standing"
        assert await everything(backend) == sorted(ids)
        # a store waits for no merge, and the merge does not undo it
        newer = make_entry("entry-0", generated_query="SELECT 2")
        await backend.upsert("music", [newer, make_entry("new")])
        ids.add(make_id("new"))
        assert await everything(backend) == sorted(ids)
        # what changes the table waits for the merge
        deleting = asyncio.create_task(backend.delete("music", where=Where(ids=[make_id("entry-1")])))
        rating = asyncio.create_task(backend.add_feedback("music", make_id("entry-2"), correct=1))
        # reading goes on, and would let them come to their end if nothing held them back
        assert len([await everything(backend) for _ in range(3)]) == 3
        assert not deleting.done()
        assert await asyncio.to_thread(other.ask, "go on") == "done"
        assert (await deleting, await rating) == (1, (1, 0))
        ids.remove(make_id("entry-1"))
        assert await everything(backend) == sorted(ids)
        assert await read_one(backend, "music", newer.id) == newer
        assert (other.ask("get entry-1"), other.ask("get new")) == ("0", "1")
        assert other.ask("feedback entry-2") == "(21, 0)"
    assert await everything(backend) == sorted(ids)
    assert await read_one(backend, "music", newer.id) == newer
    assert await backend.get("music", [make_id("entry-1")]) == []


@pytest.mark.long
async def test_a_collection_that_another_process_makes_anew_holds_nothing_of_the_old_one(
    backend: LanceBackend, folder: Path
) -> None:
    with other_process(folder) as other:
        assert other.answer() == "ready"
        assert other.ask("store old") == "done"
        await backend.upsert("music", [make_entry("older")])
        await backend.drop_collection("music")
        await backend.initialize("music", SPEC)
        await backend.upsert("music", [make_entry("new")])
        # its old file is closed now, which must not touch the new one
        assert [other.ask(f"get {name}") for name in ("old", "older", "new")] == ["0", "0", "1"]
        assert other.ask("store newest") == "done"
        assert await everything(backend) == sorted(map(make_id, ("new", "newest")))
    assert await everything(backend) == sorted(map(make_id, ("new", "newest")))
