"""Several processes on one server; on one folder, where the second is refused; and processes that are killed."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from medha.errors import BackendUnavailableError
from medha_chroma import ChromaBackend, ChromaSettings
from medha_conformance.corpus import SPEC, make_entry, make_id
from medha_conformance.suite.reading import closest, read_all, read_one

if TYPE_CHECKING:
    from collections.abc import Generator

    from conftest import Workbench

PROGRAM = Path(__file__).with_name("other_process.py")
TIMES = 5


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

    def kill_while_storing(self, label: str, after: int) -> int:
        """Have it store without end, and kill it after so many; returns the number of the last one acknowledged."""
        self.begin(f"store-for-ever {label}")
        last = max(int(self.answer()) for _ in range(after))
        self.process.kill()
        assert self.process.stdout is not None
        return max([last, *(int(line) for line in self.process.stdout if line.endswith("\n"))])


@contextmanager
def other_process(**settings: Any) -> Generator[OtherProcess]:
    command = [sys.executable, str(PROGRAM), json.dumps(settings)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield OtherProcess(process)
        except BaseException:
            # one that stores for ever does not end by itself
            process.kill()
            raise


async def holds(backend: ChromaBackend, label: str, last: int) -> None:
    """Everything up to the last one is there, whole; of what was under way, one more at most."""
    stored = {entry.id: entry for entry in await read_all(backend, "music", with_vectors=True)}
    expected = [make_entry(f"{label}-{number}", metadata={"number": number}) for number in range(last + 1)]
    assert [stored.get(entry.id) for entry in expected] == expected
    assert len(stored) - len(expected) <= 1
    assert {match.entry.id for match in await closest(backend, "music")} == set(stored)


async def test_two_processes_on_a_server_see_each_others_writes_at_the_next_call(bench: Workbench) -> None:
    backend = await bench.backend("music")
    with other_process(url=bench.server, prefix=bench.prefix) as other:
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
async def test_processes_that_make_a_collection_at_once_all_get_it_and_lose_no_feedback(bench: Workbench) -> None:
    with ExitStack() as stack:
        address = {"url": bench.server, "prefix": bench.prefix}
        others = [stack.enter_context(other_process(**address)) for _ in range(3)]
        assert [await asyncio.to_thread(other.answer) for other in others] == ["ready"] * 3
        # all of them store the same new id at once
        for other in others:
            other.begin("store rated")
        assert [await asyncio.to_thread(other.answer) for other in others] == ["done"] * 3
        backend = await bench.backend("music")
        assert await backend.count("music") == 1
        for other in others:
            other.begin("feedback rated")
        await asyncio.gather(*(backend.add_feedback("music", make_id("rated"), correct=1) for _ in range(TIMES)))
        assert [await asyncio.to_thread(other.answer) for other in others] == ["done"] * 3
    assert (await read_one(backend, "music", make_id("rated"))).feedback_correct == 4 * TIMES


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
async def test_a_killed_process_has_lost_nothing_that_the_server_acknowledged(bench: Workbench, seed: int) -> None:
    with other_process(url=bench.server, prefix=bench.prefix) as other:
        assert other.answer() == "ready"
        last = other.kill_while_storing("life", after=random.Random(seed).randint(1, 20))
    await holds(await bench.backend("music"), "life", last)


async def test_a_second_process_on_a_folder_is_refused_until_the_first_has_closed(tmp_path: Path) -> None:
    folder = tmp_path / "chroma"
    backend = ChromaBackend(ChromaSettings(mode="path", path=folder))
    await backend.connect()
    await backend.initialize("music", SPEC)
    await backend.upsert("music", [make_entry("mine")])
    with other_process(mode="path", path=str(folder)) as other:
        refusal = other.answer()
    assert refusal.startswith("unavailable: ")
    assert str(folder) in refusal
    assert "only one may" in refusal
    assert "use a server" in refusal
    # the first one works on
    await backend.upsert("music", [make_entry("more")])
    await backend.close()
    with other_process(mode="path", path=str(folder)) as other:
        assert other.answer() == "ready"
        assert other.ask("search") == ",".join(sorted([make_id("mine"), make_id("more")]))
        with pytest.raises(BackendUnavailableError, match="only one may"):
            await ChromaBackend(ChromaSettings(mode="path", path=folder)).connect()


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2))])
async def test_a_killed_process_leaves_its_folder_free_and_whole(tmp_path: Path, seed: int) -> None:
    folder = tmp_path / "chroma"
    with other_process(mode="path", path=str(folder)) as other:
        assert other.answer() == "ready"
        last = other.kill_while_storing("life", after=random.Random(seed).randint(1, 20))
    backend = ChromaBackend(ChromaSettings(mode="path", path=folder))
    await backend.connect()
    await backend.initialize("music", SPEC)
    await holds(backend, "life", last)
    await backend.upsert("music", [make_entry("after")])
    assert make_id("after") in {match.entry.id for match in await closest(backend, "music")}
    await backend.close()
