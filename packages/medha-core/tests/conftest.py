"""What the core's tests share: an embedder of words, a backend that counts and can be held, a clock, an installer."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import sys
from collections import Counter
from textwrap import dedent
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import pytest

from medha import BaseEmbedder, CacheEntry, Match, Medha, Page, Settings, Where, builtin_plugins
from medha.errors import BackendUnavailableError, EmbedderUnavailableError
from medha.memory import MemoryBackend
from medha.plugins import ENTRY_POINT_GROUP, Plugins, installed_plugins

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Sequence
    from pathlib import Path

    from medha.models import Vector

MakeCache: TypeAlias = "Callable[..., Medha]"


class WordsEmbedder(BaseEmbedder):
    """A text's vector is the sum of its words' random directions: the same words in any order are the same vector."""

    dimension = 64  # pyright: ignore[reportAssignmentType,reportIncompatibleMethodOverride]
    model_name = "words"  # pyright: ignore[reportAssignmentType,reportIncompatibleMethodOverride]

    def __init__(self) -> None:
        self.down = False
        self.calls: list[tuple[list[str], bool]] = []
        self.gate: asyncio.Event | None = None

    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> list[Vector]:
        self.calls.append((list(texts), is_document))
        await asyncio.sleep(0)
        if self.gate is not None:
            await self.gate.wait()
        if self.down:
            raise EmbedderUnavailableError("the embedder is switched off")
        return [sum((_direction(word) for word in text.split()), np.zeros(64, np.float32)) for text in texts]


def _direction(word: str) -> Vector:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).normal(size=64).astype(np.float32)


class WatchedBackend(MemoryBackend):
    """The memory backend, counting its calls; ``hold`` stops searches after they have read, ``down`` refuses all."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.down = False
        self.hold: asyncio.Event | None = None
        self.held = asyncio.Event()

    async def search(self, collection: str, vector: Vector, **options: Any) -> list[Match]:
        self._note("search")
        found = await super().search(collection, vector, **options)
        await self._wait()
        return found

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        self._note("get")
        found = await super().get(collection, ids)
        await self._wait()
        return found

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        self._note("upsert")
        await asyncio.sleep(0)
        await super().upsert(collection, entries)
        await asyncio.sleep(0)

    async def delete(self, collection: str, *, where: Where) -> int:
        self._note("delete")
        await asyncio.sleep(0)
        deleted = await super().delete(collection, where=where)
        await asyncio.sleep(0)
        return deleted

    async def scroll(self, collection: str, **options: Any) -> Page:
        self._note("scroll")
        await asyncio.sleep(0)
        return await super().scroll(collection, **options)

    def _note(self, call: str) -> None:
        self.calls[call] += 1
        if self.down:
            raise BackendUnavailableError("the backend is switched off")

    async def _wait(self) -> None:
        await asyncio.sleep(0)
        if self.hold is not None:
            self.held.set()
            await self.hold.wait()


class Clock:
    """Time that moves only when told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def embedder() -> WordsEmbedder:
    return WordsEmbedder()


@pytest.fixture
def backend() -> WatchedBackend:
    return WatchedBackend()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_cache(embedder: WordsEmbedder, backend: WatchedBackend, clock: Clock) -> MakeCache:
    """A cache, not started, on the three fixtures; keyword arguments are settings."""

    def make(collection: str = "tests", **settings: Any) -> Medha:
        return Medha(collection, embedder, backend, Settings(**settings), clock=clock)

    return make


@pytest.fixture
async def cache(make_cache: MakeCache) -> AsyncIterator[Medha]:
    async with make_cache() as started:
        yield started


class Install(Protocol):
    def __call__(self, name: str, source: str, *, distribution: str = ..., version: str = ...) -> str: ...


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path, None, None]:
    """A folder of distributions that are installed for the length of the test."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    before = set(sys.modules)
    installed_plugins.cache_clear()
    yield tmp_path
    installed_plugins.cache_clear()
    for name in set(sys.modules) - before:
        if name.startswith("plugged_"):
            del sys.modules[name]


@pytest.fixture
def install(site: Path) -> Install:
    """Installs a distribution of one module with one entry point; returns the module's name."""

    def install(name: str, source: str, *, distribution: str = "", version: str = "0.3") -> str:
        distribution = distribution or f"medha-{name}"
        module = "plugged_" + distribution.replace("-", "_")
        (site / f"{module}.py").write_text(dedent(source), "utf-8")
        folder = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (folder / "entry_points.txt").write_text(f"[{ENTRY_POINT_GROUP}]\n{name} = {module}\n")
        return module

    return install


@pytest.fixture
def plugins(site: Path) -> Callable[[], Plugins]:
    """The plugins that the test installed, and the built-in ones."""

    def find() -> Plugins:
        distributions = importlib.metadata.distributions(path=[str(site)])
        entry_points = [e for d in distributions for e in d.entry_points if e.group == ENTRY_POINT_GROUP]
        return Plugins(entry_points, builtin_plugins)

    return find
