"""``bench``: how long lookups take on this machine."""

import asyncio
import math
import os
import platform
import tempfile
import time
import uuid
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from medha_cli.options import CacheRun, cache_command

if TYPE_CHECKING:
    from rich.table import Table

    from medha import Medha
    from medha_cli.opening import Choice

KINDS: Final = ("overdue invoices", "returned parcels", "support tickets", "signed contracts", "late deliveries")
PLACES: Final = ("Porto", "Ghent", "Tallinn", "Galway", "Turin", "Lyon", "Oslo", "Bremen", "Leeds", "Utrecht")


@cache_command
def bench(
    run: CacheRun,
    entries: Annotated[
        int, typer.Option("--entries", help="Synthetic entries to store.", min=10, max=1_000_000)
    ] = 1000,
    lookups: Annotated[
        int, typer.Option("--lookups", help="Lookups of each kind, at most one an entry.", min=10)
    ] = 500,
) -> None:
    """Measure lookups on synthetic entries, in a collection of its own and, with sqlite, a file of its own."""
    choice = replace(run.choice, collection=f"bench-{uuid.uuid4()}")
    with tempfile.TemporaryDirectory(prefix="medha-bench-") as folder:
        document = asyncio.run(_bench(choice, Path(folder) / "bench.db", entries, min(lookups, entries)))
    run.show(document, lambda: _table(document), lambda: _machine_line(document))


async def _bench(choice: "Choice", file: Path, entries: int, lookups: int) -> dict[str, Any]:
    from medha_cli.opening import open_apart

    asked = [f"List the {kind} of customer {number} in {place}" for kind, number, place in _subjects(entries)]
    queries = [f"query {number}" for number in range(entries)]
    every = range(0, entries, max(1, entries // lookups))[:lookups]
    reworded = [asked[number].replace("List", "Give me", 1) for number in every]
    unknown = [f"What did supplier {number} charge for storage in week {number % 52}?" for number in every]
    known = [asked[number] for number in every]
    async with open_apart(choice, file, keep=False) as cache:
        await cache.search("what makes the embedder load its model")
        started = time.perf_counter()
        await cache.store_many(
            {"question": question, "generated_query": query} for question, query in zip(asked, queries, strict=True)
        )
        seconds = time.perf_counter() - started
        measured = [
            _dict_lookups(dict(zip(asked, queries, strict=True)), known),
            await _lookups("exact", cache, known, {"exact_match"}),
            await _lookups("L1", cache, known, {"l1_cache"}),
            await _lookups("semantic", cache, reworded, {"exact_match", "semantic_match"}),
            await _lookups("miss", cache, unknown, {"no_match"}),
        ]
    return {
        "entries": entries,
        "backend": choice.backend,
        "embedder": choice.embedder,
        "stored_per_second": round(entries / seconds),
        "lookups": measured,
        "machine": _machine(),
    }


def _subjects(count: int) -> Iterator[tuple[str, int, str]]:
    for number in range(count):
        yield KINDS[number % len(KINDS)], number, PLACES[number // len(KINDS) % len(PLACES)]


def _dict_lookups(answers: Mapping[str, str], questions: Sequence[str]) -> dict[str, Any]:
    samples: list[float] = []
    for question in questions:
        started = time.perf_counter()
        answers.get(question)
        samples.append(time.perf_counter() - started)
    return _line("a bare dict", samples, len(questions))


async def _lookups(kind: str, cache: "Medha", questions: Sequence[str], strategies: Container[str]) -> dict[str, Any]:
    """Times of the lookups that ended as this kind does; the others are only counted."""
    samples: list[float] = []
    for question in questions:
        started = time.perf_counter()
        hit = await cache.search(question)
        seconds = time.perf_counter() - started
        if hit.strategy in strategies:
            samples.append(seconds)
    return _line(kind, samples, len(questions))


def _line(kind: str, samples: list[float], asked: int) -> dict[str, Any]:
    ordered = sorted(samples)
    return {
        "kind": kind,
        "asked": asked,
        "answered_so": len(ordered),
        "p50_milliseconds": _percentile(ordered, 50),
        "p95_milliseconds": _percentile(ordered, 95),
    }


def _percentile(ordered: list[float], percent: int) -> float | None:
    """Nearest rank, in milliseconds."""
    return round(ordered[math.ceil(len(ordered) * percent / 100) - 1] * 1000, 5) if ordered else None


def _machine() -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "medha_core": version("medha-core"),
    }


def _machine_line(document: dict[str, Any]) -> str:
    machine = document["machine"]
    return (
        f"\nPython {machine['python']}, medha-core {machine['medha_core']}, {machine['cores']} cores, "
        f"{machine['processor']}, {machine['system']}"
    )


def _table(document: dict[str, Any]) -> "Table":
    from rich.table import Table

    title = (
        f"{document['entries']:,} entries, {document['backend']} and {document['embedder']}; "
        f"stored at {document['stored_per_second']:,} a second"
    )
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("lookup", "p50 ms", "p95 ms", "answered so"):
        table.add_column(column, justify="left" if column == "lookup" else "right")
    for line in document["lookups"]:
        times = ["-" if line[key] is None else f"{line[key]:.4f}" for key in ("p50_milliseconds", "p95_milliseconds")]
        table.add_row(line["kind"], *times, f"{line['answered_so']} of {line['asked']}")
    return table
