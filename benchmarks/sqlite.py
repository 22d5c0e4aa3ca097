"""The sqlite backend: rows stored a second, and a search beside the bare product of matrix and vector.

Run: python benchmarks/sqlite.py [rows ...]     (default: 10000 100000)
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from medha import CacheEntry, CollectionSpec, Where
from medha_sqlite import SqliteBackend, SqliteSettings

if TYPE_CHECKING:
    from medha.models import Vector, Vectors

DIMENSION = 384
BATCH = 500
SINGLE_WRITES = 200
SEARCHES = 60


def unit_rows(count: int) -> Vectors:
    rows = np.random.default_rng(1).standard_normal((count, DIMENSION), dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def entry(number: int, vector: Vector) -> CacheEntry:
    return CacheEntry(
        id=str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))),
        question=f"How many albums has artist {number} sold?",
        normalized_question=f"how many albums has artist {number} sold",
        generated_query=f"MATCH (:Artist {{id: {number}}})-[:MADE]->(a:Album) RETURN count(a)",
        query_hash=f"{number:064x}",
        created_at=0.0,
        metadata={"tenant": f"tenant-{number % 10}"},
        vector=vector,
    )


def bare(vectors: Vectors, vector: Vector) -> float:
    """Seconds for the product and its ten closest rows, with nothing else around it."""
    began = time.perf_counter()
    similarities = vectors @ vector
    top = np.argpartition(similarities, -10)[-10:]
    top[np.argsort(-similarities[top])]
    return time.perf_counter() - began


async def searched(backend: SqliteBackend, vector: Vector) -> float:
    began = time.perf_counter()
    await backend.search("bench", vector, limit=10, min_similarity=0.5, where=Where(), now=1.0)
    return time.perf_counter() - began


async def run(folder: Path, rows: int, synchronous: Literal["full", "normal"]) -> None:
    vectors = unit_rows(rows)
    entries = [entry(number, vector) for number, vector in enumerate(vectors)]
    backend = SqliteBackend(SqliteSettings(path=folder / f"{synchronous}-{rows}.db", synchronous=synchronous))
    await backend.connect()
    await backend.initialize("bench", CollectionSpec(dimension=DIMENSION, model_name="bench"))

    began = time.perf_counter()
    for start in range(0, rows, BATCH):
        await backend.upsert("bench", entries[start : start + BATCH])
    many = rows / (time.perf_counter() - began)
    began = time.perf_counter()
    for one in entries[:SINGLE_WRITES]:
        await backend.upsert("bench", [one])
    single = SINGLE_WRITES / (time.perf_counter() - began)

    first = await searched(backend, vectors[0])
    # turn by turn, so that what else the machine does weighs on both
    pairs = [(await searched(backend, vector), bare(vectors, vector)) for vector in vectors[:SEARCHES]]
    ours, theirs = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
    await backend.close()
    print(
        f"{rows:>7} rows, synchronous {synchronous:<6}: {many:>8,.0f} rows/s in batches of {BATCH}, "
        f"{single:>6,.0f} single stores/s, first search {first * 1000:,.0f} ms, "
        f"search {ours:.2f} ms, bare {theirs:.2f} ms, ratio {ours / theirs:.2f}"
    )


def main() -> None:
    for rows in [int(count) for count in sys.argv[1:]] or [10_000, 100_000]:
        for synchronous in ("full", "normal"):
            with tempfile.TemporaryDirectory() as folder:
                asyncio.run(run(Path(folder), rows, synchronous))


if __name__ == "__main__":
    main()
