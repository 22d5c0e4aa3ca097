"""How often one lookup goes to the backend, and to the embedder."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from medha import FULL, CacheEntry, Capability, Match, Medha, SearchStrategy, Settings, Support, Where
from medha.errors import BackendUnavailableError
from medha.memory import MemoryBackend
from medha.overfetch import OverfetchingBackend

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conftest import WordsEmbedder

    from medha.models import Vector


class OneTripBackend(MemoryBackend):
    """A backend that answers both questions of a lookup at once, as one on a server does."""

    capabilities: Mapping[Capability, Support] = {**MemoryBackend.capabilities, Capability.ONE_ROUND_TRIP: FULL}

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.down = False

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        self._note("get")
        return await super().get(collection, ids)

    async def search(self, collection: str, vector: Vector, **options: Any) -> list[Match]:
        self._note("search")
        return await super().search(collection, vector, **options)

    async def get_and_search(
        self, collection: str, entry_id: str, vector: Vector, **options: Any
    ) -> tuple[CacheEntry | None, list[Match]]:
        self._note("get_and_search")
        found = await MemoryBackend.get(self, collection, [entry_id])
        return found[0] if found else None, await MemoryBackend.search(self, collection, vector, **options)

    def _note(self, call: str) -> None:
        self.calls[call] += 1
        if self.down:
            raise BackendUnavailableError("the backend is switched off")


@pytest.fixture
def remote(embedder: WordsEmbedder, monkeypatch: pytest.MonkeyPatch) -> WordsEmbedder:
    """An embedder that says it is asked over the network."""
    monkeypatch.setattr(type(embedder), "remote", True)
    return embedder


@pytest.fixture
def backend() -> OneTripBackend:
    return OneTripBackend()


def _cache(embedder: WordsEmbedder, backend: OneTripBackend, **settings: Any) -> Medha:
    return Medha("tests", embedder, backend, Settings(l1_cache_max_size=0, **settings))


@pytest.mark.parametrize(
    ("question", "strategy"),
    [
        ("Albums by Queen", SearchStrategy.EXACT_MATCH),
        ("albums by queen", SearchStrategy.EXACT_MATCH),
        ("tracks by Abba", SearchStrategy.NO_MATCH),
    ],
)
async def test_a_lookup_behind_l1_is_one_round_trip(
    embedder: WordsEmbedder, backend: OneTripBackend, question: str, strategy: SearchStrategy
) -> None:
    async with _cache(embedder, backend) as cache:
        await cache.store("Albums by Queen", "SELECT 1")
        backend.calls.clear()
        assert (await cache.search(question)).strategy == strategy
        assert backend.calls == {"get_and_search": 1}


async def test_with_a_remote_embedder_the_very_question_costs_no_embedding(
    remote: WordsEmbedder, backend: OneTripBackend
) -> None:
    async with _cache(remote, backend, embedding_cache_size=0) as cache:
        await cache.store("Albums by Queen", "SELECT 1")
        backend.calls.clear()
        remote.calls.clear()
        assert await cache.search("Albums by Queen")
        assert backend.calls == {"get": 1}
        assert remote.calls == []
        await cache.search("tracks by Abba")
        assert backend.calls == {"get": 2, "search": 1}


async def test_with_a_remote_embedder_a_remembered_embedding_makes_it_one_round_trip(
    remote: WordsEmbedder, backend: OneTripBackend
) -> None:
    async with _cache(remote, backend) as cache:
        await cache.store("Albums by Queen", "SELECT 1")
        await cache.search("albums by Abba")
        backend.calls.clear()
        await cache.search("albums by Abba")
        assert backend.calls == {"get_and_search": 1}


async def test_with_the_embedder_down_the_very_question_is_still_answered(
    embedder: WordsEmbedder, backend: OneTripBackend
) -> None:
    async with _cache(embedder, backend, embedding_cache_size=0) as cache:
        await cache.store("Albums by Queen", "SELECT 1")
        embedder.down = True
        backend.calls.clear()
        assert (await cache.search("Albums by Queen")).generated_query == "SELECT 1"
        assert backend.calls == {"get": 1}


async def test_explaining_remembers_no_embedding(embedder: WordsEmbedder, backend: OneTripBackend) -> None:
    async with _cache(embedder, backend) as cache:
        embedder.calls.clear()
        await cache.explain("tracks by Abba")
        await cache.explain("tracks by Abba")
        assert len(embedder.calls) == 2


async def test_a_backend_that_is_down_is_said_so_in_one_call(embedder: WordsEmbedder, backend: OneTripBackend) -> None:
    async with _cache(embedder, backend) as cache:
        backend.down = True
        with pytest.raises(BackendUnavailableError, match="switched off"):
            await cache.search("Albums by Queen")


async def test_over_fetching_keeps_the_one_round_trip_where_nothing_is_filtered(
    embedder: WordsEmbedder, backend: OneTripBackend
) -> None:
    async with _cache(embedder, backend) as cache:
        await cache.store("Albums by Queen", "SELECT 1")
        await cache.store("Albums by Queen", "SELECT 2", metadata={"tenant": "acme"})
        entry_id = (await cache.search("Albums by Queen")).entry_id
        assert entry_id is not None
        (entry,) = (await backend.scroll("tests", where=Where(ids=[entry_id]), with_vectors=True)).entries
        assert entry.vector is not None
        conditions: dict[str, Any] = {"limit": 10, "min_similarity": 0.5, "now": 0.0}
        over = OverfetchingBackend(backend)
        for where, calls, found in (
            (Where(), {"get_and_search": 1}, 2),
            (Where(metadata={"tenant": "acme"}), {"get": 1, "search": 1}, 1),
        ):
            backend.calls.clear()
            got, matches = await over.get_and_search("tests", entry.id, entry.vector, where=where, **conditions)
            assert backend.calls == calls
            assert got == entry
            assert len(matches) == found
