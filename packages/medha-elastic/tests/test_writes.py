"""A batch is stored whole or not at all: in one request or several, waited for or not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from medha import Where
from medha.errors import BackendWriteError, CollectionMismatchError
from medha.writes import Writes
from medha_conformance.corpus import axis, make_entries, make_entry, make_id
from medha_conformance.processes import other_process
from medha_conformance.suite.processes import check_shared_writes
from medha_conformance.suite.reading import read_all
from medha_elastic import ElasticsearchBackend, ElasticsearchSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture
async def in_parts(
    settings: ElasticsearchSettings, backend: ElasticsearchBackend
) -> AsyncIterator[ElasticsearchBackend]:
    """The same collection, with so small requests that a batch takes several."""
    other = ElasticsearchBackend(settings.model_copy(update={"max_request_bytes": 5_000}))
    await other.connect()
    yield other
    await other.close()


async def test_a_batch_of_several_requests_is_stored_whole(in_parts: ElasticsearchBackend) -> None:
    entries = make_entries(40)
    await in_parts.upsert("music", entries)
    assert sorted(e.id for e in await read_all(in_parts, "music")) == sorted(e.id for e in entries)
    assert await in_parts.delete("music", where=Where(ids=[entry.id for entry in entries])) == 40


async def test_a_batch_whose_last_request_is_refused_leaves_everything_as_it_was(
    in_parts: ElasticsearchBackend,
) -> None:
    before = make_entries(20, template_id="before")
    await in_parts.upsert("music", before)
    await in_parts.add_feedback("music", before[0].id, correct=3)
    stood = {entry.id: entry for entry in await read_all(in_parts, "music", with_vectors=True)}
    batch = [replace(entry, template_id="after") for entry in before] + make_entries(10, "new", template_id="after")
    refused = make_entry("refused", vector=axis(0, 11))
    with pytest.raises(CollectionMismatchError, match="another dimension"):
        await in_parts.upsert("music", [*batch, refused])
    found = {entry.id: entry for entry in await read_all(in_parts, "music", with_vectors=True)}
    assert found == stood
    for entry_id, entry in found.items():
        before_it = stood[entry_id].vector
        assert entry.vector is not None
        assert before_it is not None
        assert entry.vector.tobytes() == before_it.tobytes()


async def test_a_cancelled_batch_of_several_requests_is_stored_whole_or_not_at_all(
    in_parts: ElasticsearchBackend,
) -> None:
    for steps in range(0, 60, 3):
        batch = make_entries(30, f"batch {steps}", template_id=f"batch {steps}")
        task = asyncio.create_task(in_parts.upsert("music", batch))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        # the next write waits for what was left to run
        assert await in_parts.delete("music", where=Where(template_id=f"batch {steps}")) in {0, 30}


async def test_an_entry_that_no_request_can_hold_is_refused_before_anything_is_sent(
    in_parts: ElasticsearchBackend,
) -> None:
    with pytest.raises(BackendWriteError, match="MEDHA_ELASTICSEARCH_MAX_REQUEST_BYTES; nothing was stored"):
        await in_parts.upsert("music", [make_entry("small"), make_entry("large", question="x" * 5_000)])
    assert await in_parts.count("music") == 0


async def test_a_later_write_is_never_undone_by_one_that_was_given_up(backend: ElasticsearchBackend) -> None:
    old, new = make_entry("renewed", generated_query="old"), make_entry("renewed", generated_query="new")
    for steps in range(20):
        task = asyncio.create_task(backend.upsert("music", [old, *make_entries(30)]))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await backend.upsert("music", [new])
        assert await backend.get("music", [make_id("renewed")]) == [new]


async def test_closing_waits_for_writes_that_nobody_waits_for(backend: ElasticsearchBackend) -> None:
    task = asyncio.create_task(backend.upsert("music", make_entries(5)))
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    await backend.close()
    await asyncio.gather(task, return_exceptions=True)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await backend.connect()
    assert await backend.count("music") == 5


async def test_a_write_that_fails_when_nobody_waits_for_it_any_more_is_forgotten() -> None:
    writes, begun, go_on = Writes(), asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        begun.set()
        await go_on.wait()
        raise BackendWriteError("too late")

    waiting = asyncio.create_task(writes.to_the_end(fail))
    await begun.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    go_on.set()
    await writes.settled()


async def test_what_a_write_raises_reaches_who_waits_for_it() -> None:
    async def fail() -> None:
        raise BackendWriteError("refused")

    with pytest.raises(BackendWriteError, match="refused"):
        await Writes().to_the_end(fail)


async def test_two_processes_see_each_others_writes_at_the_next_call(
    backend: ElasticsearchBackend, settings: ElasticsearchSettings
) -> None:
    with other_process("elasticsearch", settings) as other:
        await check_shared_writes(backend, other)
