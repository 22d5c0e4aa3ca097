"""Several processes on one server, and on one folder."""

from __future__ import annotations

import asyncio
import resource
from typing import TYPE_CHECKING

import numpy as np
import pytest
from qdrant_client import models
from qdrant_client.local.async_qdrant_local import AsyncQdrantLocal
from qdrant_client.local.local_collection import LocalCollection

from medha.errors import BackendUnavailableError, BackendWriteError, CollectionNotFoundError
from medha_conformance.connected import opened
from medha_conformance.corpus import SPEC, make_entries, make_entry, make_id
from medha_conformance.processes import other_process, other_processes
from medha_conformance.suite.processes import check_at_once, check_nothing_lost, check_shared_writes
from medha_conformance.suite.reading import read_all, read_one
from medha_qdrant import QdrantBackend, QdrantSettings
from medha_qdrant.feedback import Tally, new_revision
from medha_qdrant.queries import unchanged

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Workbench


async def test_two_processes_see_each_others_writes_at_the_next_call(bench: Workbench) -> None:
    backend = await bench.backend("music")
    with other_process("qdrant", bench.address) as other:
        await check_shared_writes(backend, other)


@pytest.mark.long
async def test_processes_that_open_a_collection_at_once_all_get_it_and_lose_no_feedback(bench: Workbench) -> None:
    backend = await bench.backend()
    protocols = [{"prefer_grpc": grpc} for grpc in (True, False, True)]
    with other_processes("qdrant", *(bench.address | protocol for protocol in protocols)) as others:
        # each call was told a count of its own, so that none was counted twice or not at all
        assert await check_at_once(backend, others, times=40) == list(range(1, 161))


async def test_feedback_read_before_the_entry_was_stored_again_does_not_count_on_top_of_it(bench: Workbench) -> None:
    backend = await bench.backend("music")
    await backend.upsert("music", [make_entry("rated")])
    (before,) = await bench.by_hand.retrieve(bench.name("music"), [make_id("rated")])
    await backend.upsert("music", [make_entry("rated", feedback_correct=7)])
    stale = unchanged(make_id("rated"), (before.payload or {})["revision"])
    await bench.by_hand.set_payload(bench.name("music"), {"feedback_correct": 1}, stale, wait=True)
    assert (await read_one(backend, "music", make_id("rated"))).feedback_correct == 7


async def test_more_processes_than_revisions_are_kept_for_still_add_up(bench: Workbench) -> None:
    backends = [await bench.backend() for _ in range(40)]
    await backends[0].initialize("music", SPEC)
    await backends[0].upsert("music", [make_entry("rated")])
    for number, backend in enumerate([*backends, *backends]):
        assert await backend.add_feedback("music", make_id("rated"), incorrect=1) == (0, number + 1)
    (point,) = await bench.by_hand.retrieve(bench.name("music"), [make_id("rated")])
    assert len((point.payload or {})["earlier_revisions"]) == 32


def test_a_tally_knows_whether_a_write_led_to_it_until_too_many_others_wrote() -> None:
    mine = Tally((0, 0), new_revision("storing"), ()).plus(1, 0, "me")
    later = mine
    for number in range(32):
        later = later.plus(1, 0, f"writer{number % 31}")
        assert later.comes_after(mine.revision)
        assert not later.may_have_forgotten("me")
    for number in range(31, 33):
        later = later.plus(1, 0, f"writer{number}")
    assert not later.comes_after(mine.revision)
    assert later.may_have_forgotten("me")


async def test_a_collection_dropped_or_made_anew_by_another_is_noticed_at_the_next_call(bench: Workbench) -> None:
    one, two = await bench.backend("music"), await bench.backend("music")
    await one.upsert("music", make_entries(3))
    await two.drop_collection("music")
    with pytest.raises(CollectionNotFoundError):
        await one.count("music")
    await two.initialize("music", type(SPEC)(dimension=SPEC.dimension, model_name="another"))
    assert await one.count("music") == 0


async def test_initialising_and_dropping_at_once_ends_in_a_whole_collection_or_none(bench: Workbench) -> None:
    one, two = await bench.backend(), await bench.backend(prefer_grpc=False)
    for _ in range(5):
        outcomes = await asyncio.gather(
            *(backend.initialize("music", SPEC) for backend in (one, two) for _ in range(5)),
            two.drop_collection("music"),
            return_exceptions=True,
        )
        assert all(outcome is None or isinstance(outcome, CollectionNotFoundError) for outcome in outcomes), outcomes
        await one.initialize("music", SPEC)
        assert await two.count("music") == 0
        info = await bench.by_hand.get_collection(bench.name("music"))
        assert {index.data_type for index in info.payload_schema.values()} == {
            models.PayloadSchemaType.KEYWORD,
            models.PayloadSchemaType.INTEGER,
        }


async def test_a_folder_that_is_open_elsewhere_is_refused_until_it_is_closed(tmp_path: Path) -> None:
    settings = QdrantSettings(mode="path", path=tmp_path)
    first, second = QdrantBackend(settings), QdrantBackend(settings)
    await first.connect()
    await first.initialize("music", SPEC)
    await first.upsert("music", make_entries(3))
    with pytest.raises(BackendUnavailableError, match=f"opening on {tmp_path}: another process.*MEDHA_QDRANT_PATH"):
        await second.connect()
    await first.close()
    await second.connect()
    assert await second.count("music") == 3
    await second.close()
    await first.close()


async def test_a_folder_with_more_entries_than_the_driver_advises_is_stored_to_and_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalCollection, "LARGE_DATA_THRESHOLD", 10)
    monkeypatch.setattr(AsyncQdrantLocal, "LARGE_DATA_THRESHOLD", 10)
    backend = QdrantBackend(QdrantSettings(mode="path", path=tmp_path))
    await backend.connect()
    await backend.initialize("music", SPEC)
    await backend.upsert("music", make_entries(20))
    await backend.close()
    await backend.connect()
    assert await backend.count("music") == 20
    await backend.close()


async def test_a_folder_opened_again_holds_everything_bit_for_bit(tmp_path: Path) -> None:
    settings = QdrantSettings(mode="path", path=tmp_path)
    backend = QdrantBackend(settings)
    await backend.connect()
    await backend.initialize("music", SPEC)
    entries = make_entries(30, expires_at=5.5, metadata={"share": 10.0, "flag": True}, template_id="t")
    await backend.upsert("music", entries)
    await backend.add_feedback("music", entries[0].id, correct=2)
    await backend.close()
    again = QdrantBackend(settings)
    await again.connect()
    read = {entry.id: entry for entry in await read_all(again, "music", with_vectors=True)}
    assert read.pop(entries[0].id).feedback_correct == 2
    assert read == {entry.id: entry for entry in entries[1:]}
    for entry in entries[1:]:
        vector = read[entry.id].vector
        assert vector is not None
        assert np.array_equal(vector, np.asarray(entry.vector))
    await again.close()


async def test_a_store_that_the_system_refuses_midway_leaves_nothing_and_works_later(tmp_path: Path) -> None:
    backend = QdrantBackend(QdrantSettings(mode="path", path=tmp_path))
    await backend.connect()
    await backend.initialize("music", SPEC)
    await backend.upsert("music", make_entries(50))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(BackendWriteError, match="cannot be written"):
            await backend.upsert("music", make_entries(2000, "more"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert await backend.count("music") == 50
    await backend.upsert("music", make_entries(2000, "more"))
    await backend.close()
    await backend.connect()
    assert await backend.count("music") == 2050
    await backend.close()


@pytest.mark.long
async def test_a_process_that_is_killed_leaves_whole_stores_in_its_folder(tmp_path: Path) -> None:
    settings = QdrantSettings(mode="path", path=tmp_path)
    with other_process("qdrant", settings) as other:
        assert other.answer() == "ready"
        acknowledged = other.kill_while_storing("life", after=5, size=100)
    async with opened(QdrantBackend(settings)) as backend:
        await check_nothing_lost(backend, {"life": acknowledged}, size=100)
