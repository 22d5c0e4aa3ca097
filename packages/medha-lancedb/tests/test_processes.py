"""Several processes on one folder, and processes that are killed."""

from __future__ import annotations

import asyncio
import random
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from medha import Where
from medha_conformance.connected import connected
from medha_conformance.corpus import SPEC, make_entry, make_id
from medha_conformance.processes import other_process, other_processes
from medha_conformance.suite.processes import check_at_once, check_nothing_lost, check_shared_writes
from medha_conformance.suite.reading import closest, read_all, read_one
from medha_lancedb import LanceBackend, LanceSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from medha_conformance.processes import OtherProcess

PROGRAM = Path(__file__).with_name("merging_process.py")


def settings_of(folder: Path, merge_after: int = 1000) -> LanceSettings:
    return LanceSettings(uri=str(folder), compact_after=10, keep_versions=1, merge_after=merge_after)


@contextmanager
def merging_process(folder: Path) -> Generator[OtherProcess]:
    """One that is ready, and merges when it is told to."""
    with other_process("lancedb", settings_of(folder), program=PROGRAM) as other:
        assert other.answer() == "ready"
        yield other


@pytest.mark.long
async def test_two_processes_see_each_others_writes_at_the_next_call(backend: LanceBackend, folder: Path) -> None:
    with other_process("lancedb", settings_of(folder)) as other:
        await check_shared_writes(backend, other)


@pytest.mark.long
async def test_processes_that_make_a_table_at_once_all_get_it_and_lose_no_feedback(folder: Path) -> None:
    async with connected(LanceBackend(LanceSettings(uri=str(folder)))) as backend:
        with other_processes("lancedb", *[settings_of(folder)] * 3) as others:
            await check_at_once(backend, others)


@pytest.mark.long
@pytest.mark.parametrize(("tasks", "merge_after"), [(1, 1), (1, 7), (1, 1000), (8, 7)])
async def test_a_killed_process_loses_nothing_that_was_acknowledged(
    folder: Path, tasks: int, merge_after: int, open_backend: Callable[..., Awaitable[LanceBackend]]
) -> None:
    luck = random.Random(merge_after)
    acknowledged: dict[str, set[int]] = {}
    for life in ("first", "second"):
        with other_process("lancedb", settings_of(folder, merge_after)) as other:
            assert other.answer() == "ready"
            acknowledged[life] = other.kill_while_storing(life, after=luck.randint(1, 60), tasks=tasks)
    await check_nothing_lost(await open_backend(), acknowledged, tasks=tasks)


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
    with merging_process(folder) as other:
        assert [other.ask("store", name) for name in names] == [None] * 10
        assert other.ask("feedback", "entry-3", 20)[-1] == [20, 0]
        assert other.ask("merge", moment) == "standing"
        other.kill()
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
    with merging_process(folder) as other:
        for name in names:
            assert other.ask("store", name) is None
        assert other.ask("merge", moment) == "standing"
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
        other.send("go on")
        assert await asyncio.to_thread(other.answer) is None
        assert (await deleting, await rating) == (1, (1, 0))
        ids.remove(make_id("entry-1"))
        assert await everything(backend) == sorted(ids)
        assert await read_one(backend, "music", newer.id) == newer
        assert (other.ask("get", "entry-1"), other.ask("get", "new")) == (False, True)
        assert other.ask("feedback", "entry-2") == [[2, 0]]
    assert await everything(backend) == sorted(ids)
    assert await read_one(backend, "music", newer.id) == newer
    assert await backend.get("music", [make_id("entry-1")]) == []


@pytest.mark.long
async def test_a_collection_that_another_process_makes_anew_holds_nothing_of_the_old_one(
    backend: LanceBackend, folder: Path
) -> None:
    with merging_process(folder) as other:
        assert other.ask("store", "old") is None
        await backend.upsert("music", [make_entry("older")])
        await backend.drop_collection("music")
        await backend.initialize("music", SPEC)
        await backend.upsert("music", [make_entry("new")])
        # its old file is closed now, which must not touch the new one
        assert [other.ask("get", name) for name in ("old", "older", "new")] == [False, False, True]
        assert other.ask("store", "newest") is None
        assert await everything(backend) == sorted(map(make_id, ("new", "newest")))
    assert await everything(backend) == sorted(map(make_id, ("new", "newest")))
