"""Migrations between real backends: what arrives is what left, whatever the two engines are."""

from __future__ import annotations

import time
import uuid
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

from medha import BackendPlugin, CacheEntry, CollectionSource, EmbedderPlugin, Medha, NewEntry, VectorStorageBackend
from medha.plugins import installed_plugins, make, read_settings
from medha_conformance.corpus import HOSTILE_TEXTS

if TYPE_CHECKING:
    from pathlib import Path

    from medha.settings import Settings
    from medha_conformance.pytest_plugin import FindService

COUNT: Final = 1100
"""More than two pages."""
PAIRS: Final = [
    ("sqlite", "pgvector"),
    ("pgvector", "sqlite"),
    ("qdrant", "redis"),
    ("redis", "elasticsearch"),
    ("elasticsearch", "qdrant"),
    ("memory", "pgvector"),
]


def hostile_entries() -> list[NewEntry]:
    now = time.time()
    texts = [text for text in HOSTILE_TEXTS.values() if text.strip()]
    scopes: list[dict[str, Any]] = [{}, {"tenant": "acme"}, {"tenant": "globex", "year": 2024, "open": True, "x": 0.1}]
    return [
        NewEntry(
            question=f"{texts[number % len(texts)]} {number}",
            generated_query=f"SELECT {number} -- {texts[(number + 1) % len(texts)]}",
            response_summary=None if number % 3 else texts[(number + 2) % len(texts)],
            template_id=None if number % 5 else f"template {number % 7}",
            metadata=scopes[number % len(scopes)],
            created_at=now - number - 0.123456,
            expires_at=None if number % 4 else now + 86_400.25 + number,
            feedback_correct=number % 11,
            feedback_incorrect=number % 2,
        )
        for number in range(COUNT)
    ]


class House:
    """Backends by name, each with a collection that is gone afterwards."""

    def __init__(self, folder: Path, find_service: FindService, closing: AsyncExitStack) -> None:
        self._folder, self._find_service, self._closing = folder, find_service, closing

    async def backend(self, name: str, *collections: str) -> VectorStorageBackend:
        values: dict[str, Any] = {}
        if name == "sqlite":
            values["path"] = self._folder / f"{uuid.uuid4().hex}.db"
        elif name != "memory":
            values["url"] = self._find_service(name)
        plugin = installed_plugins().find(BackendPlugin, name)
        backend: VectorStorageBackend = make(plugin, read_settings(plugin.settings, **values))
        self._closing.push_async_callback(backend.close)
        await backend.connect()
        for collection in collections:
            self._closing.push_async_callback(backend.drop_collection, collection)
        return backend


def wordllama(dimension: int) -> Any:
    plugin = installed_plugins().find(EmbedderPlugin, "wordllama")
    return make(plugin, read_settings(plugin.settings, dimension=dimension))


async def entries_of(backend: VectorStorageBackend, collection: str) -> dict[tuple[str, str], CacheEntry]:
    found: dict[tuple[str, str], CacheEntry] = {}
    cursor = None
    while True:
        page = await backend.scroll(collection, cursor=cursor, with_vectors=True)
        found |= {(entry.question, str(sorted(entry.metadata.items()))): entry for entry in page.entries}
        cursor = page.cursor
        if cursor is None:
            return found


def content(entry: CacheEntry) -> dict[str, Any]:
    names = [name for name in CacheEntry.__dataclass_fields__ if name not in {"id", "vector"}]
    return {name: getattr(entry, name) for name in names} | {"metadata": dict(entry.metadata)}


@pytest.mark.parametrize(("origin", "goal"), PAIRS)
async def test_what_arrives_is_what_left(
    origin: str, goal: str, tmp_path: Path, find_service: FindService, settings: Settings
) -> None:
    old, new = f"old-{uuid.uuid4()}", f"new-{uuid.uuid4()}"
    async with AsyncExitStack() as closing:
        house, embedder = House(tmp_path, find_service, closing), wordllama(64)
        here, there = await house.backend(origin, old), await house.backend(goal, new)
        async with Medha(old, embedder, here, settings) as cache:
            await cache.store_many(hostile_entries())
        async with Medha(new, embedder, there, settings) as cache:
            done = await cache.migrate_from(CollectionSource(here, old))
            assert (done.entries, done.stored, done.embedded) == (COUNT, COUNT, 0)
            assert (await cache.migrate_from(CollectionSource(here, old))).stored == 0
        left, arrived = await entries_of(here, old), await entries_of(there, new)
        assert {key: content(entry) for key, entry in arrived.items()} == {k: content(e) for k, e in left.items()}
        for key, entry in left.items():
            assert np.allclose(arrived[key].vector, entry.vector, atol=1e-5)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("origin", "goal"), [("pgvector", "sqlite"), ("qdrant", "pgvector"), ("redis", "memory")])
async def test_another_model_embeds_anew_and_is_searched_by_its_own_vectors(
    origin: str, goal: str, tmp_path: Path, find_service: FindService, settings: Settings
) -> None:
    name = f"moving-{uuid.uuid4()}"
    async with AsyncExitStack() as closing:
        house = House(tmp_path, find_service, closing)
        here, there = await house.backend(origin, name), await house.backend(goal, name)
        async with Medha(name, wordllama(64), here, settings) as cache:
            await cache.store("Which customers live in Ghent?", "SELECT 1")
        async with Medha(name, wordllama(128), there, settings) as cache:
            assert (await cache.migrate_from(CollectionSource(here, name))).embedded == 1
            hit = await cache.search("What customers live in Ghent?")
            assert (hit.generated_query, hit.strategy) == ("SELECT 1", "semantic_match")


@pytest.fixture
def settings() -> Settings:
    """As many entries a batch as a page; the shared servers may be slow."""
    from medha import Settings as CoreSettings

    return CoreSettings(backend_timeout=60)
