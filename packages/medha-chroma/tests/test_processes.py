"""Several processes on one server; on one folder, where the second is refused; and processes that are killed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from medha.errors import BackendUnavailableError
from medha_chroma import ChromaBackend, ChromaSettings
from medha_conformance.connected import opened
from medha_conformance.corpus import make_entry, make_id
from medha_conformance.processes import other_process, other_processes
from medha_conformance.suite.processes import check_at_once, check_nothing_lost, check_shared_writes

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Workbench


async def test_two_processes_on_a_server_see_each_others_writes_at_the_next_call(bench: Workbench) -> None:
    backend = await bench.backend("music")
    with other_process("chroma", bench.address) as other:
        await check_shared_writes(backend, other)


@pytest.mark.long
async def test_processes_that_make_a_collection_at_once_all_get_it_and_lose_no_feedback(bench: Workbench) -> None:
    backend = await bench.backend()
    with other_processes("chroma", *[bench.address] * 3) as others:
        await check_at_once(backend, others, times=5)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
async def test_a_killed_process_has_lost_nothing_that_the_server_acknowledged(bench: Workbench, seed: int) -> None:
    with other_process("chroma", bench.address) as other:
        assert other.answer() == "ready"
        acknowledged = other.kill_while_storing("life", after=random.Random(seed).randint(1, 20))
    await check_nothing_lost(await bench.backend("music"), {"life": acknowledged})


@pytest.mark.long
async def test_a_second_process_on_a_folder_is_refused_until_the_first_has_closed(tmp_path: Path) -> None:
    settings = ChromaSettings(mode="path", path=tmp_path / "chroma")
    async with opened(ChromaBackend(settings)) as backend:
        await backend.upsert("music", [make_entry("mine")])
        with (
            other_process("chroma", settings) as other,
            pytest.raises(BackendUnavailableError, match=rf"{settings.path}.*only one may.*use a server"),
        ):
            other.answer()
        # the first one works on
        await backend.upsert("music", [make_entry("more")])
    with other_process("chroma", settings) as other:
        assert other.answer() == "ready"
        assert other.ask("search") == sorted([make_id("mine"), make_id("more")])
        with pytest.raises(BackendUnavailableError, match="only one may"):
            await ChromaBackend(settings).connect()


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2))])
async def test_a_killed_process_leaves_its_folder_free_and_whole(tmp_path: Path, seed: int) -> None:
    settings = ChromaSettings(mode="path", path=tmp_path / "chroma")
    with other_process("chroma", settings) as other:
        assert other.answer() == "ready"
        acknowledged = other.kill_while_storing("life", after=random.Random(seed).randint(1, 20))
    async with opened(ChromaBackend(settings)) as backend:
        await check_nothing_lost(backend, {"life": acknowledged})
