"""How fast the core is, each number beside the bare operation that nothing could be faster than.

uv run python benchmarks/core.py [--quick]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medha import BaseEmbedder, CacheEntry, CollectionSpec, EmbedderPlugin, Medha, Settings, Where
from medha.memory import MemoryBackend
from medha.plugins import installed_plugins, make

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from medha.models import Vectors

DIMENSION = 384


class ConstantTimeEmbedder(BaseEmbedder):
    """Vectors made beforehand: what is left is our own time."""

    dimension = DIMENSION  # pyright: ignore[reportAssignmentType,reportIncompatibleMethodOverride]
    model_name = "constant-time"  # pyright: ignore[reportAssignmentType,reportIncompatibleMethodOverride]

    def __init__(self) -> None:
        self._rows = unit_rows(1000)

    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Vectors:
        return self._rows[: len(texts)]


def unit_rows(count: int, seed: int = 0) -> Vectors:
    rows = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def report(what: str, ours: float, bare: float | None, unit: str, target: str) -> None:
    ratio = f"{ours / bare:6.2f}x" if bare else "       "
    beside = f"{bare:10.3f}" if bare is not None else "          "
    print(f"| {what:<44} | {ours:10.3f} {unit:<7} | {beside} | {ratio} | {target:<26} |", flush=True)


async def median(work: Callable[[], Awaitable[object]], rounds: int) -> float:
    times: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        await work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


async def l1_hit(rounds: int) -> None:
    async with Medha("bench", ConstantTimeEmbedder()) as cache:
        question = "How many albums did Queen release in 1975?"
        await cache.store(question, "SELECT 1")
        await cache.search(question)
        ours = await median(lambda: cache.search(question), rounds)
        answers = {question: await cache.search(question)}

        async def bare() -> object:
            return answers[question]

        report("L1 hit, await cache.search()", ours * 1e6, await median(bare, rounds) * 1e6, "us", "at most 8 us")


async def memory_search(rows: int, rounds: int) -> None:
    spec = CollectionSpec(dimension=DIMENSION, model_name="bench")
    vectors = unit_rows(rows)
    backend = MemoryBackend()
    await backend.initialize("bench", spec)
    before = resident()
    for start in range(0, rows, 1000):
        await backend.upsert("bench", [entry(i, vectors) for i in range(start, min(start + 1000, rows))])
    gc.collect()
    bytes_per_row = (resident() - before) / rows
    asked = unit_rows(1, seed=1)[0]

    async def ours() -> object:
        return await backend.search("bench", asked, limit=10, min_similarity=-1.0, where=Where(), now=0.0)

    async def bare() -> object:
        similarities = vectors @ asked
        top = np.argpartition(similarities, -10)[-10:]
        return top[np.argsort(-similarities[top])]

    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        mine.append(await median(ours, 1))
        theirs.append(await median(bare, 1))
    target = "at most 1.5x" if rows >= 10_000 else "no target below 10k rows"
    ours_ms, bare_ms = statistics.median(mine) * 1e3, statistics.median(theirs) * 1e3
    report(f"memory search, {rows:,} rows", ours_ms, bare_ms, "ms", target)
    if rows >= 100_000:
        report(f"memory held, {rows:,} rows", bytes_per_row, DIMENSION * 4, "B/row", "at most 2,500 B")
        report("longest hold of the event loop", await longest_hold(ours, rounds) * 1e3, None, "ms", "at most 5 ms")


def entry(number: int, vectors: Vectors) -> CacheEntry:
    question = f"how many albums did artist number {number} release"
    return CacheEntry(
        id=f"00000000-0000-5000-8000-{number:012d}",
        question=question,
        normalized_question=question,
        generated_query=f"SELECT count(*) FROM album WHERE artist_id = {number}",
        query_hash=f"{number:032x}",
        created_at=1.5 + number,
        vector=vectors[number],
    )


def resident() -> int:
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def longest_hold(work: Callable[[], Awaitable[object]], rounds: int) -> float:
    """The median over rounds of how late a timer of 1 ms is at most while the work is under way."""
    holds: list[float] = []
    for _ in range(rounds):
        task = asyncio.ensure_future(work())
        longest, last = 0.0, time.perf_counter()
        while not task.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last - 0.001), now
        await task
        holds.append(longest)
    return statistics.median(holds)


async def store_many(rows: int) -> None:
    entries = [
        {"question": f"how many albums did artist number {i} release", "generated_query": f"SELECT {i} FROM album"}
        for i in range(rows)
    ]
    times: list[float] = []
    for _ in range(3):
        gc.collect()
        async with Medha("bench", ConstantTimeEmbedder()) as cache:
            started = time.perf_counter()
            await cache.store_many(entries)
            times.append(time.perf_counter() - started)
    started = time.perf_counter()
    kept = {row["question"]: (row, row["generated_query"]) for row in entries}
    bare = time.perf_counter() - started
    assert len(kept) == rows
    ours = rows / statistics.median(times)
    report("store_many, rows a second", ours, rows / bare, "rows/s", "at least 40,000 rows/s")


async def semantic_hit(rows: int, rounds: int) -> None:
    settings = Settings(l1_cache_max_size=0, embedding_cache_size=0)
    embedder: BaseEmbedder = make(installed_plugins().find(EmbedderPlugin, "wordllama"))
    backend = MemoryBackend()
    async with Medha("bench", embedder, backend, settings) as cache:
        await cache.store_many(
            {"question": f"list the albums of artist number {i} with their year", "generated_query": f"SELECT {i}"}
            for i in range(rows)
        )
        asked = "Show albums of artist number 77 with their years"
        hit = await cache.search(asked)
        if hit.generated_query != "SELECT 77":
            raise SystemExit(f"the semantic benchmark expects a hit, not {hit}")
        ours = await median(lambda: cache.search(asked), rounds)

        async def bare() -> object:
            vector = np.asarray(await embedder.aembed(asked.casefold()), dtype=np.float32)
            vector /= np.linalg.norm(vector)
            return await backend.search("bench", vector, limit=10, min_similarity=0.75, where=Where(), now=0.0)

        bare_time = await median(bare, rounds)
        report(f"semantic hit, wordllama, {rows:,} rows", ours * 1e3, bare_time * 1e3, "ms", "at most 1 ms")


def import_time(rounds: int) -> None:
    def once(module: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
        return time.perf_counter() - started

    pairs = [(once("medha"), once("pydantic_settings")) for _ in range(rounds)]
    ours, bare = (statistics.median(times) * 1e3 for times in zip(*pairs, strict=True))
    report("import medha (bare: pydantic_settings)", ours, bare, "ms", "at most 1.3x")


async def main(quick: bool) -> None:
    print(f"| {'what':<44} | {'median':<18} | {'bare':>10} | {'ratio':>7} | {'target':<26} |")
    print(f"|{'-' * 46}|{'-' * 20}|{'-' * 12}|{'-' * 9}|{'-' * 28}|")
    await l1_hit(2_000 if quick else 50_000)
    for rows in (1_000, 10_000) if quick else (1_000, 10_000, 100_000):
        await memory_search(rows, 20 if quick else 101)
    await store_many(5_000 if quick else 50_000)
    await semantic_hit(1_000 if quick else 10_000, 50 if quick else 500)
    import_time(3 if quick else 21)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    asyncio.run(main(parser.parse_args().quick))
