"""What being listened to costs: an L1 hit with no listener, with one that does nothing, and with medha-otel.

uv run python benchmarks/listeners.py [--rounds 20000] [--turns 5]

The baseline is the same code with the check for listeners taken out. Each case runs in processes of its own, in turn,
so that neither the noise of the machine nor what the interpreter learned of another case falls on one alone; the median
of each process is taken, and the best of them is shown.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from medha import Medha
from medha.searching import Searcher

if TYPE_CHECKING:
    from medha import CacheHit, Decision

QUESTION = "How many albums did Queen release in 1975?"
BASELINE = "no hook in the path at all"
CASES = (
    BASELINE,
    "no listener",
    "a listener that does nothing",
    "medha-otel, metrics alone",
    "medha-otel, spans sampled out",
    "medha-otel, every span",
)


async def search_without_the_check(self: Any, question: str, filters: Any = None) -> CacheHit:
    """``Searcher.search`` as it was before there were listeners."""
    started = time.perf_counter()
    request = self.request(question, filters)
    hit = await self._answer(request)
    self._parts.stats.lookup(hit, time.perf_counter() - started)
    return hit


def ignore(decision: Decision) -> None:
    """A listener that costs nothing itself."""


def telemetry(*, traces: bool, every: bool) -> Any:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

    from medha_otel import OtelSettings, Telemetry

    return Telemetry(
        OtelSettings(traces=traces),
        tracer_provider=TracerProvider(ALWAYS_ON if every else ALWAYS_OFF),
        meter_provider=MeterProvider([InMemoryMetricReader()]),
    )


async def measure(case: str, rounds: int) -> float:
    """The median in microseconds."""
    listeners: list[Any] = []
    if case == BASELINE:
        Searcher.search = search_without_the_check  # pyright: ignore[reportAttributeAccessIssue]
    elif case == "a listener that does nothing":
        listeners = [ignore]
    elif case.startswith("medha-otel"):
        listeners = [telemetry(traces="alone" not in case, every="every" in case)]
    async with Medha("bench", "wordllama", listeners=listeners) as cache:
        await cache.store(QUESTION, "SELECT 1")
        taken: list[float] = []
        for _ in range(rounds + rounds // 10):
            started = time.perf_counter()
            await cache.search(QUESTION)
            taken.append(time.perf_counter() - started)
    return statistics.median(taken[rounds // 10 :]) * 1e6


def main(rounds: int, turns: int) -> None:
    found: dict[str, list[float]] = {case: [] for case in CASES}
    for _ in range(turns):
        for case in CASES:
            command = [sys.executable, __file__, "--case", case, "--rounds", str(rounds)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[case].append(float(done.stdout))
    best = {case: min(medians) for case, medians in found.items()}
    print("| an L1 hit with | us | beside no hook |\n| --- | --- | --- |")
    for case, microseconds in best.items():
        print(f"| {case} | {microseconds:.2f} | {microseconds / best[BASELINE]:.2f}x |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case is None:
        main(given.rounds, given.turns)
    else:
        print(asyncio.run(measure(given.case, given.rounds)))
