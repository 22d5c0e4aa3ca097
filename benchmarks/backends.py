"""Every backend that is reachable: each call beside the bare calls of its driver that do the same work.

    python benchmarks/backends.py [NAME ...] [--rows 10000 100000] [--rounds 60]

A server is found by its variable (MEDHA_TEST_PGVECTOR_URL, MEDHA_TEST_REDIS_URL, MEDHA_TEST_QDRANT_URL,
MEDHA_TEST_ELASTICSEARCH_URL). What the backend sends is recorded, and sent again by the bare driver on a connection of
its own, in turns; "bare" has no entries, no checks and no errors of Medha. Milliseconds, medians.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from tapes import ElasticsearchTape, PostgresTape, QdrantTape, RedisTape, Tape

from medha import BackendPlugin, CacheEntry, CollectionSpec, VectorStorageBackend, Where
from medha.plugins import installed_plugins, make, read_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from medha.models import Vectors

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


async def milliseconds(call: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await call()
    return (time.perf_counter() - began) * 1000


class Bench:
    """One backend with one collection of so many rows."""

    def __init__(self, name: str, backend: VectorStorageBackend, tape: Tape, rounds: int) -> None:
        self.name, self.backend, self.tape, self.rounds = name, backend, tape, rounds
        self.collection = f"bench {uuid.uuid4().hex[:8]}"

    async def run(self, rows: int) -> None:
        entries = entries_of(unit_rows(rows, 1))
        await self.backend.initialize(self.collection, SPEC)
        try:
            await self._store_many(entries)
            stored = entries[: self.rounds]
            new = entries_of(unit_rows(self.rounds, 2), rows)
            await self._compare(rows, "store", [lambda e=e: self.backend.upsert(self.collection, [e]) for e in new])
            await self._compare(rows, "lookup, hit", [lambda e=e: self._lookup(e, 0.9) for e in stored])
            await self._compare(
                rows,
                "lookup, miss",
                [lambda e=e: self._lookup(e, 0.9) for e in entries_of(unit_rows(self.rounds, 3), 10**9)],
            )
            await self._delete(rows, entries)
        finally:
            await self.backend.drop_collection(self.collection)

    async def _store_many(self, entries: Sequence[CacheEntry]) -> None:
        ours: list[float] = []
        bare: list[float] = []
        for start in range(0, len(entries), BATCH):
            batch = entries[start : start + BATCH]
            took, played = await self._pair(lambda batch=batch: self.backend.upsert(self.collection, batch))
            ours.append(took)
            bare.append(played)
        self._report(len(entries), f"store_many, {BATCH} rows", ours, bare)

    def _lookup(self, entry: CacheEntry, least: float) -> Awaitable[object]:
        assert entry.vector is not None
        return self.backend.get_and_search(
            self.collection, entry.id, entry.vector, limit=10, min_similarity=least, where=Where(), now=1.0
        )

    async def _delete(self, rows: int, entries: Sequence[CacheEntry]) -> None:
        ours: list[float] = []
        bare: list[float] = []
        for number in range(min(20, TENANTS)):
            where = Where(metadata={"tenant": f"tenant-{number}"})
            gone = [entry for entry in entries if entry.metadata["tenant"] == f"tenant-{number}"]

            async def again(gone: Sequence[CacheEntry] = gone) -> None:
                await self.backend.upsert(self.collection, gone)

            took, played = await self._pair(
                lambda where=where: self.backend.delete(self.collection, where=where), between=again
            )
            await again()
            ours.append(took)
            bare.append(played)
        self._report(rows, f"delete by filter, {rows // TENANTS} rows", ours, bare)

    async def _compare(self, rows: int, what: str, calls: Sequence[Callable[[], Awaitable[object]]]) -> None:
        pairs = [await self._pair(call) for call in calls]
        self._report(rows, what, [pair[0] for pair in pairs], [pair[1] for pair in pairs])

    async def _pair(
        self, call: Callable[[], Awaitable[object]], between: Callable[[], Awaitable[None]] | None = None
    ) -> tuple[float, float]:
        """The call and what it asked of the driver, each once."""
        with self.tape.rolling():
            took = await milliseconds(call)
        if between is not None:
            await between()
        return took, await milliseconds(self.tape.play)

    def _report(self, rows: int, what: str, ours: Sequence[float], bare: Sequence[float]) -> None:
        a, b = statistics.median(ours), statistics.median(bare)
        calls = len(self.tape.steps)
        print(f"| {self.name} | {rows:,} | {what} | {a:.2f} | {b:.2f} | {a / b:.2f} | {calls} |", flush=True)


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
