"""Single stores in LanceDB beside the bare driver, and lookups while stores wait to be merged.

    python benchmarks/lancedb_stores.py [--stores 10000] [--tasks 64] [--bare 300] [--rows 10000]

Each kind gets a folder of its own. "bare" is what one would write without Medha: `merge_insert` of one row, awaited,
and no compaction; it makes fewer stores, since it takes so long. "fsync alone" is the disk by itself: 8 KB appended
and flushed, which `synchronous=full` waits for at each store. In the lookups Medha's call and the driver's own, on a
table that has every row, take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from sides import SPEC, Part, rows_of, unit_rows

from medha import CacheEntry, Where
from medha.facts import place
from medha_lancedb import LanceBackend, LanceSettings
from medha_lancedb.arrow import connect
from medha_lancedb.drafts import Draft
from medha_lancedb.rows import ENTRY_COLUMNS, schema, to_table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from medha.models import Vector

MOST_PENDING: Final = 1000
ROUNDS: Final = 60


def entries_of(count: int) -> list[CacheEntry]:
    return Part(rows_of(unit_rows(count, 1))).entries


def table_of(entries: Sequence[CacheEntry]) -> Any:
    drafted = Draft(entries, [np.asarray(entry.vector) for entry in entries], [place(entry.id) for entry in entries])
    return to_table(drafted, schema("bench", SPEC), "bench")


async def bare(folder: Path, entries: Sequence[CacheEntry]) -> float:
    database = await connect(folder, read_consistency_interval=timedelta(0))
    table = await database.create_table("bench", schema=schema("bench", SPEC))
    rows = [table_of([entry]) for entry in entries]
    began = time.perf_counter()
    for row in rows:
        await table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(row)
    return time.perf_counter() - began


async def ours(folder: Path, entries: Sequence[CacheEntry], tasks: int, **values: Any) -> float:
    backend = LanceBackend(LanceSettings(uri=str(folder), **values))
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


def fsyncs(folder: Path, count: int) -> float:
    content = bytes(8192)
    with (folder / "appended").open("wb", buffering=0) as file:
        began = time.perf_counter()
        for _ in range(count):
            file.write(content)
            os.fsync(file)
        return time.perf_counter() - began


def report(what: str, stores: int, took: float, baseline: float, folder: Path) -> None:
    files = sum(1 for file in folder.rglob("*") if file.is_file())
    print(f"| {what} | {stores:,} | {stores / took:,.0f} | {stores / took * baseline:,.1f} | {files:,} |", flush=True)


async def stores(count: int, tasks: int, bares: int) -> None:
    entries = entries_of(count)
    print("| single stores | stores | stores/s | to bare | files |\n| --- | --- | --- | --- | --- |")
    kinds: list[tuple[str, int, int, dict[str, Any]]] = [
        ("one after the other", count, 1, {}),
        (f"{tasks} tasks", count, tasks, {}),
        ("`synchronous=full`, one after the other", bares, 1, {"synchronous": "full"}),
        (f"`synchronous=full`, {tasks} tasks", count, tasks, {"synchronous": "full"}),
        ("`write_ahead=false`, one after the other", bares, 1, {"write_ahead": False}),
        (f"`write_ahead=false`, {tasks} tasks", count, tasks, {"write_ahead": False}),
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "bare")
        took = await bare(folder, entries[:bares])
        baseline = took / bares
        report("bare, one after the other", bares, took, baseline, folder)
        for number, (what, stored, by, values) in enumerate(kinds):
            folder = Path(name, str(number))
            report(what, stored, await ours(folder, entries[:stored], by, **values), baseline, folder)
        folder = Path(name, "fsync")
        folder.mkdir()
        report("fsync alone", bares, fsyncs(folder, bares), baseline, folder)


async def lookups(rows: int) -> None:
    entries = entries_of(rows + MOST_PENDING)
    print("| lookup | pending | ms | bare ms | ratio |\n| --- | --- | --- | --- | --- |")
    for pending in (0, 10, 100, MOST_PENDING):
        with tempfile.TemporaryDirectory() as name:
            backend = LanceBackend(LanceSettings(uri=str(Path(name, "ours")), merge_after=MOST_PENDING + 1))
            await backend.connect()
            await backend.initialize("bench", SPEC)
            await backend.upsert("bench", entries[:rows])
            for entry in entries[rows : rows + pending]:
                await backend.upsert("bench", [entry])
            database = await connect(Path(name, "bare"), read_consistency_interval=timedelta(0))
            table = await database.create_table("bench", schema=schema("bench", SPEC))
            await table.add(table_of(entries[: rows + pending]))
            report_lookups(pending, *await in_turns(backend, table, entries[: rows + pending]))
            await backend.close()


async def in_turns(
    backend: LanceBackend, table: Any, entries: Sequence[CacheEntry]
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Milliseconds of Medha's calls and of the same ones by the bare driver."""
    ours: dict[str, list[float]] = {"get": [], "search": []}
    bare: dict[str, list[float]] = {"get": [], "search": []}

    async def timed(call: Awaitable[Any], to: list[float]) -> None:
        began = time.perf_counter()
        await call
        to.append((time.perf_counter() - began) * 1000)

    for number in range(ROUNDS):
        entry = entries[number * 7919 % len(entries)]
        get = table.query().select([*ENTRY_COLUMNS]).where(f"place IN ({place(entry.id)})")
        search = table.vector_search(entry.vector).distance_type("cosine").select([*ENTRY_COLUMNS, "_distance"])
        search = search.where("expires > 0").limit(10)
        calling = backend.search(
            "bench", cast("Vector", entry.vector), limit=10, min_similarity=-1.0, where=Where(), now=1.0
        )
        for mine, its, what in (
            (backend.get("bench", [entry.id]), get.to_list(), "get"),
            (calling, search.to_list(), "search"),
        ):
            turns = [(mine, ours[what]), (its, bare[what])]
            # the first of two has the colder caches
            for call, times in reversed(turns) if number % 2 else turns:
                await timed(call, times)
    return ours, bare


def report_lookups(pending: int, ours: dict[str, list[float]], bare: dict[str, list[float]]) -> None:
    for what, times in ours.items():
        mine, theirs = median(times), median(bare[what])
        print(f"| {what} | {pending:,} | {mine:.2f} | {theirs:.2f} | {mine / theirs:.2f} |", flush=True)


async def main(arguments: argparse.Namespace) -> None:
    await stores(arguments.stores, arguments.tasks, arguments.bare)
    print()
    await lookups(arguments.rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stores", type=int, default=10_000)
    parser.add_argument("--tasks", type=int, default=64)
    parser.add_argument("--bare", type=int, default=300)
    parser.add_argument("--rows", type=int, default=10_000)
    asyncio.run(main(parser.parse_args()))
