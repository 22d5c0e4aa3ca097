"""Learned templates: a lookup among many entries, and what learning adds to storing.

    uv run python benchmarks/learned.py [--entries 10000]

Each figure stands beside a baseline of the same run: a lookup by the exact tier, and a store with the tier off.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import time

from medha import Medha, SearchStrategy, Settings

SUBJECTS = ["album", "track", "invoice", "employee", "customer", "playlist", "concert", "venue", "label", "tour"]
VERBS = ["made", "sold", "recorded", "played", "owned", "booked", "signed", "reviewed", "rated", "shipped"]
FRAMES = (
    "which {s}s were {v} by {a} in {y}",
    "how many {s}s were {v} by {a} in {y}",
    "show the {s}s that {a} {v} in {y}",
    "list every {s} {v} by {a} during {y}",
    "the {s}s {v} in {y} by {a}",
)


def rows(count: int) -> list[tuple[str, str]]:
    """Questions of many wordings over a hundred queries."""
    chooser = random.Random(7)
    artists = [f"Artist {number}" for number in range(400)]
    found: dict[str, str] = {}
    while len(found) < count:
        subject, verb = chooser.choice(SUBJECTS), chooser.choice(VERBS)
        artist, year = chooser.choice(artists), chooser.randint(1950, 2025)
        frame = chooser.choice(FRAMES)
        question = frame.format(s=subject, v=verb, a=artist, y=year)
        what = "COUNT(*)" if frame.startswith("how many") else f"{subject}.name"
        found[question] = (
            f"SELECT {what} FROM {subject} JOIN artist ON {subject}.artist_id = artist.id "
            f"WHERE artist.name = '{artist}' AND {subject}.kind = '{verb}' AND {subject}.year = {year}"
        )
    return list(found.items())


async def lookups(cache: Medha, questions: list[str]) -> tuple[float, float, set[str]]:
    """Median and 95th percentile in milliseconds, and the strategies that answered."""
    times: list[float] = []
    strategies: set[str] = set()
    for question in questions:
        started = time.perf_counter()
        hit = await cache.search(question)
        times.append((time.perf_counter() - started) * 1000)
        strategies.add(hit.strategy)
    times.sort()
    return statistics.median(times), times[int(len(times) * 0.95)], strategies


async def stores(learned: str, given: list[tuple[str, str]]) -> float:
    """Median milliseconds of a single store into a cache of the entries before it."""
    settings = Settings(learned_templates=learned)  # type: ignore[arg-type]
    async with Medha("bench", "wordllama", "memory", settings) as cache:
        await cache.store_many({"question": question, "query": query} for question, query in given[:-500])
        await cache.wait_until_learned()
        times: list[float] = []
        for question, query in given[-500:]:
            started = time.perf_counter()
            await cache.store(question, query)
            times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


async def main(entries: int) -> None:
    """Measure and print."""
    given = rows(entries + 1500)
    stored, fresh = given[:entries], given[entries:]
    async with Medha("bench", "wordllama", "memory", Settings(l1_cache_max_size=0)) as cache:
        await cache.store_many({"question": question, "query": query} for question, query in stored)
        started = time.perf_counter()
        count = await cache.wait_until_learned()
        print(f"learnt from {count} entries in {time.perf_counter() - started:.1f} s after the bulk write")
        exact, exact_95, _ = await lookups(cache, [question for question, _ in stored[:1000]])
        learned, learned_95, strategies = await lookups(cache, [question for question, _ in fresh[:1000]])
        wrong = [q for q, query in fresh[:1000] if (await cache.search(q)).generated_query not in {None, query}]
        assert SearchStrategy.LEARNED_TEMPLATE in strategies
        unknown, unknown_95, _ = await lookups(cache, [f"{question} on vinyl" for question, _ in fresh[:300]])
    off, on = await stores("off", given), await stores("on", given)
    print(f"wrong queries: {len(wrong)}")
    print("| what, ms | median | 95th | of the exact tier |\n| --- | --- | --- | --- |")
    print(f"| lookup, exact | {exact:.3f} | {exact_95:.3f} | 1 |")
    print(f"| lookup, learned | {learned:.3f} | {learned_95:.3f} | {learned / exact:.1f} |")
    print(f"| lookup, a miss through every tier | {unknown:.3f} | {unknown_95:.3f} | {unknown / exact:.1f} |")
    print(f"| store, learning off / on | {off:.3f} / {on:.3f} | | +{on - off:.3f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=10_000)
    asyncio.run(main(parser.parse_args().entries))
