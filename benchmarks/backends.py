"""Every backend that is reachable: each call beside the bare calls of its driver that do the same work.

    python benchmarks/backends.py [NAME ...] [--rows 10000 100000] [--rounds 60]

A server is found by its variable (MEDHA_TEST_PGVECTOR_URL, MEDHA_TEST_REDIS_URL, MEDHA_TEST_QDRANT_URL,
MEDHA_TEST_ELASTICSEARCH_URL, MEDHA_TEST_CHROMA_URL); the others run in this process, in folders that are removed.
Of servers and of Chroma, what the backend sends is recorded, and sent again by the bare driver (``tapes.py``). Of
lancedb, sqlite and memory the other side is written by hand, with the same rows (``plain.py``); that it finds what the
backend finds is checked first. "bare" has no entries, no checks and no errors of Medha. They take turns, and who is
first alternates. Neither finds its work done: each stores and deletes rows of its own, which have the same history.
Milliseconds, medians.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plain import PlainLance, PlainMemory, PlainSqlite
from sides import SPEC, TENANTS, Ours, Part, Work, rows_of, unit_rows
from tapes import ChromaTape, ElasticsearchTape, EmbeddedChromaTape, PostgresTape, QdrantTape, RedisTape

from medha import BackendPlugin, VectorStorageBackend
from medha.plugins import installed_plugins, make, read_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sides import Bare, Row

BATCH = 500


@dataclass(frozen=True)
class Subject:
    """A backend under some settings with its other side."""

    plugin: str
    bare: type[Bare]
    settings: Callable[[str], dict[str, Any]]
    """Of its place: the address of the server, or an empty folder."""
    variable: str | None = None
    """Where the address is found."""


SUBJECTS = {
    "pgvector": Subject("pgvector", PostgresTape, lambda url: {"url": url}, "MEDHA_TEST_PGVECTOR_URL"),
    "redis": Subject("redis", RedisTape, lambda url: {"url": url}, "MEDHA_TEST_REDIS_URL"),
    "qdrant": Subject("qdrant", QdrantTape, lambda url: {"url": url, "prefer_grpc": False}, "MEDHA_TEST_QDRANT_URL"),
    "elasticsearch": Subject(
        "elasticsearch", ElasticsearchTape, lambda url: {"url": url}, "MEDHA_TEST_ELASTICSEARCH_URL"
    ),
    "chroma": Subject("chroma", ChromaTape, lambda url: {"url": url}, "MEDHA_TEST_CHROMA_URL"),
    "chroma-path": Subject("chroma", EmbeddedChromaTape, lambda folder: {"mode": "path", "path": folder}),
    "chroma-memory": Subject("chroma", EmbeddedChromaTape, lambda _: {"mode": "memory"}),
    "lancedb": Subject("lancedb", PlainLance, lambda folder: {"uri": folder}),
    "sqlite": Subject("sqlite", PlainSqlite, lambda folder: {"path": Path(folder) / "ours.db"}),
    "memory": Subject("memory", PlainMemory, lambda _: {}),
}


async def milliseconds(call: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await call()
    return (time.perf_counter() - began) * 1000


class Bench:
    """One backend with one collection of so many rows."""

    def __init__(self, name: str, backend: VectorStorageBackend, bare: Bare, rounds: int) -> None:
        self.name, self.ours, self.bare, self.rounds = name, Ours(backend), bare, rounds

    async def run(self, rows: int) -> None:
        self.rows = rows
        stored = rows_of(unit_rows(rows, 1))
        parts = [Part(stored[start : start + BATCH]) for start in range(0, rows, BATCH)]
        await self.ours.backend.initialize(self.ours.collection, SPEC)
        try:
            for part in parts:
                await self.ours.upsert(part)
            await self.bare.begin(parts)
            await self._look_up(stored[: 2 * self.rounds])
            await self._store()
            await self._delete(stored)
        finally:
            await self.ours.backend.drop_collection(self.ours.collection)

    async def _look_up(self, stored: Sequence[Row]) -> None:
        hits = [Part([row]) for row in stored]
        misses = [Part([row]) for row in rows_of(unit_rows(len(stored), 3), 10**9)]
        for part in (hits[0], misses[0]):
            await self.bare.verify(part, self.ours)
        await self._compare("lookup, hit", [_looking_up(part) for part in hits])
        await self._compare("lookup, miss", [_looking_up(part) for part in misses])

    async def _store(self) -> None:
        sizes = (("store", 1, 5 * self.rounds), (f"store_many, {BATCH} rows", BATCH, self.rounds // 3))
        for what, size, rounds in sizes:
            new = rows_of(unit_rows(2 * rounds * size, 2), 10**8)
            parts = [Part(new[start : start + size]) for start in range(0, len(new), size)]
            await self._compare(what, [_storing(part) for part in parts])
            for mine, its in zip(parts[::2], parts[1::2], strict=True):
                await self.ours.remove(mine)
                await self.bare.forget(its, self.ours)
            await self.bare.settle()

    async def _delete(self, stored: Sequence[Row]) -> None:
        works: list[Work] = []
        for number in range(min(2 * self.rounds, TENANTS)):
            tenant = f"tenant-{number}"
            works.append(_deleting(tenant, Part([row for row in stored if row.tenant == tenant])))
        await self._compare(f"delete by filter, {self.rows // TENANTS} rows", works)

    async def _compare(self, what: str, works: Sequence[Work]) -> None:
        """Half of the work is done by us and half by the bare driver; all of it was done once before."""
        ours: list[float] = []
        bare: list[float] = []
        # the benchmark's own many objects are not looked at by the collector of garbage in somebody's turn
        gc.collect()
        gc.freeze()
        for number, (mine, its) in enumerate(zip(works[::2], works[1::2], strict=True)):
            turns = [
                (partial(self._rehearse, mine), partial(mine.call, self.ours), ours),
                (partial(self.bare.rehearse, its, self.ours), self.bare.perform, bare),
            ]
            if number % 2:
                turns.reverse()
            # so that between its rehearsal and its turn, each side has the other one's work
            for rehearse, _, _ in turns:
                await rehearse()
            for _, call, times in turns:
                times.append(await milliseconds(call))
        a, b = statistics.median(ours), statistics.median(bare)
        calls = "" if self.bare.calls is None else self.bare.calls
        print(f"| {self.name} | {self.rows:,} | {what} | {a:.3f} | {b:.3f} | {a / b:.2f} | {calls} |", flush=True)

    async def _rehearse(self, work: Work) -> None:
        await work.call(self.ours)
        if work.prepare is not None:
            await work.prepare(self.ours)


def _storing(part: Part) -> Work:
    return Work(call=methodcaller("upsert", part), prepare=methodcaller("remove", part))


def _looking_up(part: Part) -> Work:
    return Work(call=methodcaller("lookup", part))


def _deleting(tenant: str, gone: Part) -> Work:
    return Work(call=methodcaller("delete", tenant), prepare=methodcaller("upsert", gone))


async def measure(name: str, place: str, rows: int, rounds: int) -> None:
    subject = SUBJECTS[name]
    plugin = installed_plugins().find(BackendPlugin, subject.plugin)
    backend: VectorStorageBackend = make(plugin, read_settings(plugin.settings, **subject.settings(place)))
    bare = subject.bare(place)
    await backend.connect()
    await bare.open()
    try:
        gc.collect()
        await Bench(name, backend, bare, rounds).run(rows)
    finally:
        await bare.close()
        await backend.close()


async def main(names: Sequence[str], sizes: Sequence[int], rounds: int) -> None:
    print("| backend | rows | call | ms | bare ms | ratio | requests |\n| --- | --- | --- | --- | --- | --- | --- |")
    for name in names:
        variable = SUBJECTS[name].variable
        url = "" if variable is None else os.environ.get(variable)
        if url is None:
            print(f"| {name} | | not run: {variable} is not set | | | | |")
            continue
        for rows in sizes:
            with tempfile.TemporaryDirectory() as folder:
                await measure(name, url or folder, rows, rounds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[*SUBJECTS], metavar="NAME", help=f"of {', '.join(SUBJECTS)}")
    parser.add_argument("--rows", nargs="+", type=int, default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=60)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.names, arguments.rows, arguments.rounds))
