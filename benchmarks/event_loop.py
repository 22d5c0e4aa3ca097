"""How long a bulk call of a plugin keeps the event loop from others.

    python benchmarks/event_loop.py [--rounds 9] [NAME ...]

Each name is a plugin that asks a server; its server is the one of its tests, in a process of its own. A full request is
sent again and again: as many texts as a vendor takes at once, or 1000 entries of 1024 components stored and read. For
each, the medians over the rounds of

- own: the longest time that the loop's thread computed without a turn of the loop;
- late: how late a timer of 1 ms was at most, work of other threads and of other processes included.

The first line is the loop alone, beside a thread that computes in Python: what is late there is the interpreter's
switching of threads, and the machine's noise.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import statistics
import subprocess
import sys
import threading
import time
from asyncio import events
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import numpy as np

from medha import BackendPlugin, CacheEntry, CollectionSpec, EmbedderPlugin
from medha.plugins import installed_plugins

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

PACKAGES: Final = Path(__file__).parent.parent / "packages"
TEXTS: Final = {"openai": 256, "mistral": 256, "gemini": 100, "cohere": 96}
"""The texts of one request: the most that the vendor takes, for OpenAI as many as Medha's bulk writes embed at once."""
BACKENDS: Final = ("weaviate", "azure-search")
ENTRIES: Final = 1000
DIMENSION: Final = 1024


class Watch:
    """Times each turn of the loop by the processor time of its thread."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._run = events.Handle._run

    def __enter__(self) -> Self:
        run, watched = self._run, threading.get_ident()

        def timed(handle: events.Handle) -> None:
            if threading.get_ident() != watched:
                run(handle)
                return
            begun = time.thread_time()
            run(handle)
            self.longest = max(self.longest, time.thread_time() - begun)

        events.Handle._run = timed  # pyright: ignore[reportAttributeAccessIssue]
        return self

    def __exit__(self, *_: object) -> None:
        events.Handle._run = self._run


async def watched(work: Callable[[], Awaitable[Any]]) -> tuple[float, float, float]:
    """The longest turn, how late the timer was at most, and how long all of it took, in milliseconds."""
    late, begun = 0.0, time.perf_counter()
    with Watch() as watch:
        task, last = asyncio.ensure_future(work()), begun
        while not task.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            late, last = max(late, now - last - 0.001), now
        await task
    return watch.longest * 1e3, late * 1e3, (time.perf_counter() - begun) * 1e3


async def report(label: str, work: Callable[[], Awaitable[Any]], rounds: int) -> None:
    await work()
    found = [await watched(work) for _ in range(rounds)]
    own, late, took = (statistics.median(numbers) for numbers in zip(*found, strict=True))
    print(f"| {label:44} | {own:7.2f} | {late:7.2f} | {took:7.0f} |", flush=True)


@contextmanager
def serving(*command: str, folder: Path | None = None) -> Generator[str]:
    """The address that the command prints."""
    with subprocess.Popen(
        [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def serve(name: str) -> None:
    """Serve as the vendor does, until the input ends."""
    path = PACKAGES / f"medha-{name}" / "tests" / "vendor.py"
    spec = importlib.util.spec_from_file_location("vendor", path)
    assert spec is not None
    assert spec.loader is not None
    # where pydantic looks for the names of annotations
    module = sys.modules["vendor"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with getattr(module, f"{name}_server")() as server:
        print(server.url, flush=True)
        sys.stdin.read()


async def embedder(name: str, rounds: int) -> None:
    plugin = installed_plugins().find(EmbedderPlugin, name)
    texts = [f"Which customers bought track {n}?" for n in range(TEXTS[name])]
    encodings: tuple[dict[str, Any], ...] = ({},)
    if name == "openai":
        encodings = ({"encoding_format": "base64"}, {"encoding_format": "float"})
    with serving(__file__, "--serve", name) as url:
        for values in encodings:
            settings: Any = plugin.settings
            address = f"{url}/v1" if name == "openai" else url
            made: Any = plugin.factory(settings(base_url=address, api_key="a-key", timeout=120, **values))
            async with AsyncExitStack() as stack:
                await made.connect()
                stack.push_async_callback(made.close)
                said = " ".join([name, *values.values()])
                await report(f"{said}, one question", lambda made=made: made.aembed(texts[0]), rounds)
                label = f"{said}, {len(texts)} texts of {made.dimension} components"
                await report(label, lambda made=made: made.aembed_batch(texts), rounds)


async def backend(name: str, rounds: int) -> None:
    plugin = installed_plugins().find(BackendPlugin, name)
    folder = PACKAGES / f"medha-{name}" / "tests"
    with serving("-m", "wire", folder=folder) as url:
        values: dict[str, Any] = {"url": url}
        if name == "weaviate":
            values |= {"grpc_host": "localhost", "grpc_port": urlsplit(url).port}
        else:
            values |= {"api_key": "a-key"}
        settings: Any = plugin.settings
        made: Any = plugin.factory(settings(**values))
        rows = entries()
        async with AsyncExitStack() as stack:
            await made.connect()
            stack.push_async_callback(made.close)
            await made.initialize("bench", CollectionSpec(dimension=DIMENSION, model_name="bench"))
            await report(f"{name}, upsert of {ENTRIES}", lambda: made.upsert("bench", rows), rounds)
            ids = [row.id for row in rows]
            await report(f"{name}, get of {ENTRIES}", lambda: made.get("bench", ids), rounds)
            for whole in (False, True):
                label = f"{name}, scroll of {ENTRIES}{' with vectors' if whole else ''}"
                await report(label, lambda whole=whole: made.scroll("bench", limit=ENTRIES, with_vectors=whole), rounds)


def entries() -> list[CacheEntry]:
    vectors = np.random.default_rng(0).normal(size=(ENTRIES, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [
        CacheEntry(
            id=f"00000000-0000-5000-8000-{number:012d}",
            question=f"How many albums did artist number {number} release?",
            normalized_question=f"how many albums did artist number {number} release",
            generated_query=f"SELECT count(*) FROM album WHERE artist_id = {number}",
            query_hash=f"{number:032x}",
            created_at=1.5 + number,
            vector=vectors[number],
        )
        for number in range(ENTRIES)
    ]


def compute() -> int:
    """A tenth of a second of Python."""
    until, turns = time.perf_counter() + 0.1, 0
    while time.perf_counter() < until:
        turns += 1
    return turns


async def main(names: list[str], rounds: int) -> None:
    print("| full request | own ms | late ms | took ms |\n| --- | --- | --- | --- |")
    await report("the loop beside a thread of Python", lambda: asyncio.to_thread(compute), rounds)
    for name in names:
        await (backend(name, rounds) if name in BACKENDS else embedder(name, rounds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join((*TEXTS, *BACKENDS))}; else all")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--serve", choices=TEXTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        serve(given.serve)
    else:
        asyncio.run(main(given.names or [*TEXTS, *BACKENDS], given.rounds))
