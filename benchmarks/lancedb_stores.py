"""Single stores in LanceDB, one after the other and by many tasks, beside the bare driver with a version of each row.

    python benchmarks/lancedb_stores.py [--stores 500] [--tasks 64]

Each kind gets a folder of its own. "bare" is what one would write without Medha: `merge_insert` of one row, awaited,
and no compaction. Nothing is acknowledged before it is in the table.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medha import CacheEntry, CollectionSpec
from medha_lancedb import LanceBackend, LanceSettings
from medha_lancedb.arrow import connect
from medha_lancedb.rows import schema, to_table

if TYPE_CHECKING:
    from collections.abc import Sequence

DIMENSION = 384
SPEC = CollectionSpec(dimension=DIMENSION, model_name="bench")


def entries_of(count: int) -> list[CacheEntry]:
    rows = np.random.default_rng(1).standard_normal((count, DIMENSION), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return [
        CacheEntry(
            id=str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))),
            question=f"How many albums has artist {number} sold?",
            normalized_question=f"how many albums has artist {number} sold",
            generated_query=f"SELECT count(*) FROM album WHERE artist_id = {number}",
            query_hash=f"{number:032x}",
            created_at=0.0,
            metadata={"tenant": f"tenant-{number % 100}"},
            vector=vector,
        )
        for number, vector in enumerate(rows)
    ]


async def bare(folder: Path, entries: Sequence[CacheEntry]) -> float:
    database = await connect(folder, read_consistency_interval=timedelta(0))
    table = await database.create_table("bench", schema=schema("bench", SPEC))
    rows = [to_table([entry], schema("bench", SPEC), "bench") for entry in entries]
    began = time.perf_counter()
    for row in rows:
        await table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(row)
    return time.perf_counter() - began


async def ours(folder: Path, entries: Sequence[CacheEntry], tasks: int) -> float:
    backend = LanceBackend(LanceSettings(uri=str(folder)))
    await backend.connect()
    await backend.initialize("bench", SPEC)
    waiting = iter(entries)

    async def store() -> None:
        for entry in waiting:
            await backend.upsert("bench", [entry])

    began = time.perf_counter()
    await asyncio.gather(*(store() for _ in range(tasks)))
    took = time.perf_counter() - began
    assert await backend.count("bench") == len(entries)
    await backend.close()
    return took


def report(what: str, stores: int, took: float, baseline: float, folder: Path) -> None:
    files = sum(1 for file in folder.rglob("*") if file.is_file())
    rate, ratio = stores / took, baseline / took
    print(f"| {what} | {rate:,.0f} | {ratio:.1f} | {files:,} |", flush=True)


async def main(stores: int, tasks: int) -> None:
    entries = entries_of(stores)
    print("| single stores | stores/s | to bare | files |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name, kind) for kind in ("bare", "one", "many")]
        baseline = await bare(folders[0], entries)
        report("bare, one after the other", stores, baseline, baseline, folders[0])
        report("medha, one after the other", stores, await ours(folders[1], entries, 1), baseline, folders[1])
        report(f"medha, {tasks} tasks", stores, await ours(folders[2], entries, tasks), baseline, folders[2])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stores", type=int, default=500)
    parser.add_argument("--tasks", type=int, default=64)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.stores, arguments.tasks))
