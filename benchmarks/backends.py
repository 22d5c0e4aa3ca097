"""Every backend that is reachable: each call beside the bare calls of its driver that do the same work.

    python benchmarks/backends.py [NAME ...] [--rows 10000 100000] [--rounds 60]

A server is found by its variable (MEDHA_TEST_PGVECTOR_URL, MEDHA_TEST_REDIS_URL, MEDHA_TEST_QDRANT_URL,
MEDHA_TEST_ELASTICSEARCH_URL). What the backend sends is recorded, and sent again by the bare driver; "bare" has no
entries, no checks and no errors of Medha. They take turns, and who is first alternates. Neither finds its work done:
each stores and deletes rows of its own, which have the same history. Milliseconds, medians.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from tapes import ElasticsearchTape, PostgresTape, QdrantTape, RedisTape, Tape

from medha import BackendPlugin, CacheEntry, CollectionSpec, VectorStorageBackend, Where
from medha.plugins import installed_plugins, make, read_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from medha.models import Vectors

    Call = Callable[[], Awaitable[object]]

DIMENSION = 384
BATCH = 500
TENANTS = 100
SPEC = CollectionSpec(dimension=DIMENSION, model_name="bench")


class Subject(NamedTuple):
    """A backend with the recorder of its driver."""

    variable: str
    tape: type[Tape]
    settings: dict[str, Any]


SUBJECTS = {
    "pgvector": Subject("MEDHA_TEST_PGVECTOR_URL", PostgresTape, {}),
    "redis": Subject("MEDHA_TEST_REDIS_URL", RedisTape, {}),
    "qdrant": Subject("MEDHA_TEST_QDRANT_URL", QdrantTape, {"prefer_grpc": False}),
    "elasticsearch": Subject("MEDHA_TEST_ELASTICSEARCH_URL", ElasticsearchTape, {}),
}


def unit_rows(count: int, seed: int) -> Vectors:
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION), dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def entries_of(vectors: Vectors, first: int = 0) -> list[CacheEntry]:
    return [
        CacheEntry(
            id=str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))),
            question=f"How many albums has artist {number} sold?",
            normalized_question=f"how many albums has artist {number} sold",
            generated_query=f"SELECT count(*) FROM album WHERE artist_id = {number}",
            query_hash=f"{number:032x}",
            created_at=0.0,
            metadata={"tenant": f"tenant-{number % TENANTS}"},
            vector=vector,
        )
        for number, vector in enumerate(vectors, first)
    ]


async def milliseconds(call: Call) -> float:
    began = time.perf_counter()
    await call()
    return (time.perf_counter() - began) * 1000


class Work(NamedTuple):
    """A call, and what brings the collection to the state in which it is made."""

    call: Call
    prepare: Call | None = None


class Bench:
    """One backend with one collection of so many rows."""

    def __init__(self, name: str, backend: VectorStorageBackend, tape: Tape, rounds: int) -> None:
        self.name, self.backend, self.tape, self.rounds = name, backend, tape, rounds
        self.collection = f"bench {uuid.uuid4().hex[:8]}"

    async def run(self, rows: int) -> None:
        self.rows = rows
        entries = entries_of(unit_rows(rows, 1))
        await self.backend.initialize(self.collection, SPEC)
        try:
            for start in range(0, rows, BATCH):
                await self.backend.upsert(self.collection, entries[start : start + BATCH])
            await self._store()
            await self._look_up(entries)
            await self._delete(entries)
        finally:
            await self.backend.drop_collection(self.collection)

    async def _store(self) -> None:
        sizes = (("store", 1, 5 * self.rounds), (f"store_many, {BATCH} rows", BATCH, self.rounds // 3))
        for what, size, rounds in sizes:
            new = entries_of(unit_rows(2 * rounds * size, 2), 10**8)
            parts = [new[start : start + size] for start in range(0, len(new), size)]
            await self._compare(what, [self._storing(part) for part in parts])
            for part in parts:
                await self._remove(part)

    async def _look_up(self, entries: Sequence[CacheEntry]) -> None:
        stored, others = entries[: 2 * self.rounds], entries_of(unit_rows(2 * self.rounds, 3), 10**9)
        await self._compare("lookup, hit", [Work(partial(self._lookup, entry)) for entry in stored])
        await self._compare("lookup, miss", [Work(partial(self._lookup, entry)) for entry in others])

    async def _delete(self, entries: Sequence[CacheEntry]) -> None:
        works: list[Work] = []
        for number in range(min(2 * self.rounds, TENANTS)):
            tenant = {"tenant": f"tenant-{number}"}
            gone = [entry for entry in entries if entry.metadata == tenant]
            delete = partial(self.backend.delete, self.collection, where=Where(metadata=tenant))
            works.append(Work(delete, prepare=partial(self.backend.upsert, self.collection, gone)))
        await self._compare(f"delete by filter, {self.rows // TENANTS} rows", works)

    def _storing(self, part: Sequence[CacheEntry]) -> Work:
        return Work(partial(self.backend.upsert, self.collection, part), prepare=partial(self._remove, part))

    async def _remove(self, part: Sequence[CacheEntry]) -> None:
        await self.backend.delete(self.collection, where=Where(ids=[entry.id for entry in part]))

    async def _lookup(self, entry: CacheEntry) -> object:
        assert entry.vector is not None
        return await self.backend.get_and_search(
            self.collection, entry.id, entry.vector, limit=10, min_similarity=0.9, where=Where(), now=1.0
        )

    async def _compare(self, what: str, works: Sequence[Work]) -> None:
        """Half of the work is done by us and half by the bare driver; all of it was done once before."""
        ours: list[float] = []
        bare: list[float] = []
        for number, (mine, its) in enumerate(zip(works[::2], works[1::2], strict=True)):
            await mine.call()
            with self.tape.rolling():
                await its.call()
            for work in (mine, its):
                if work.prepare is not None:
                    await work.prepare()
            turns = [(mine.call, ours), (self.tape.play, bare)]
            for call, times in reversed(turns) if number % 2 else turns:
                times.append(await milliseconds(call))
        a, b, calls = statistics.median(ours), statistics.median(bare), len(self.tape.steps)
        print(f"| {self.name} | {self.rows:,} | {what} | {a:.2f} | {b:.2f} | {a / b:.2f} | {calls} |", flush=True)


async def main(names: Sequence[str], sizes: Sequence[int], rounds: int) -> None:
    print("| backend | rows | call | ms | bare ms | ratio | requests |\n| --- | --- | --- | --- | --- | --- | --- |")
    for name in names:
        subject = SUBJECTS[name]
        url = os.environ.get(subject.variable)
        if not url:
            print(f"| {name} | | not run: {subject.variable} is not set | | | | |")
            continue
        plugin = installed_plugins().find(BackendPlugin, name)
        backend: VectorStorageBackend = make(plugin, read_settings(plugin.settings, url=url, **subject.settings))
        tape = subject.tape(url)
        await backend.connect()
        await tape.open()
        try:
            for rows in sizes:
                gc.collect()
                await Bench(name, backend, tape, rounds).run(rows)
        finally:
            await tape.close()
            await backend.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[*SUBJECTS], metavar="NAME", help=f"of {', '.join(SUBJECTS)}")
    parser.add_argument("--rows", nargs="+", type=int, default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=60)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.names, arguments.rows, arguments.rounds))
