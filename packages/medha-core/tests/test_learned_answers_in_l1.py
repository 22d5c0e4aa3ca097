"""Answers of learned templates that L1 holds go with what they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha import Medha, SearchStrategy
from medha.l1_memory import MemoryL1Cache

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from conftest import Clock, WordsEmbedder

BY = "SELECT title FROM album JOIN artist ON album.artist_id = artist.id WHERE artist.name = '{}'"
PRICE = "SELECT price FROM item WHERE id = {}"
HOW_MANY = "SELECT COUNT(*) FROM album JOIN artist ON album.artist_id = artist.id WHERE artist.name = '{}'"


async def teach(cache: Medha) -> None:
    await cache.store("albums by Queen", BY.format("Queen"))
    await cache.store("how many albums by ABBA", HOW_MANY.format("ABBA"))


@pytest.mark.parametrize("change", ["invalidate", "replace", "expire"])
async def test_an_answer_that_rests_on_a_value_goes_with_the_entry_that_showed_it_from_l1_too(
    embedder: WordsEmbedder, clock: Clock, change: str
) -> None:
    async with Medha("tests", embedder, "memory", clock=clock) as cache:
        await cache.store("albums by Queen", BY.format("Queen"))
        await cache.store("how many albums by ABBA", HOW_MANY.format("ABBA"), ttl=60)
        assert await cache.search("albums by ABBA")
        assert (await cache.search("albums by ABBA")).strategy is SearchStrategy.L1_CACHE
        if change == "invalidate":
            await cache.invalidate("how many albums by ABBA")
        elif change == "replace":
            await cache.store("how many albums by ABBA", HOW_MANY.format("Queen"))
        else:
            clock.now += 61
            await cache.expire()
        assert not await cache.search("albums by ABBA")


async def test_an_entry_that_speaks_against_a_learned_answer_withdraws_it_from_l1_too(embedder: WordsEmbedder) -> None:
    async with Medha("tests", embedder, "memory") as cache:
        await teach(cache)
        assert await cache.search("albums by ABBA")
        assert (await cache.search("albums by ABBA")).strategy is SearchStrategy.L1_CACHE
        await cache.store("albums by Slayer", HOW_MANY.format("Slayer"))
        hit = await cache.search("albums by ABBA")
        assert not hit
        assert hit.strategy is SearchStrategy.NO_MATCH


async def test_a_new_entry_leaves_an_answer_that_was_not_learnt_in_l1(embedder: WordsEmbedder) -> None:
    async with Medha("tests", embedder, "memory") as cache:
        await teach(cache)
        assert await cache.search("albums by Queen")
        await cache.store("price of item 5", PRICE.format(5))
        assert (await cache.search("albums by Queen")).strategy is SearchStrategy.L1_CACHE


class SlowToTell(MemoryL1Cache):
    """Its caller hears of what was withdrawn only after another lookup, as over a network."""

    lookup: Callable[[], Awaitable[object]] | None = None

    async def invalidate(self, collection: str, tags: Collection[str]) -> int:
        removed = await super().invalidate(collection, tags)
        await self._told()
        return removed

    async def clear(self, collection: str) -> None:
        await super().clear(collection)
        await self._told()

    async def _told(self) -> None:
        if self.lookup is not None:
            await self.lookup()


@pytest.mark.parametrize("change", ["expire", "clear", "contradict", "load"])
async def test_a_lookup_while_l1_is_told_keeps_no_answer_of_what_was_known_before(
    embedder: WordsEmbedder, clock: Clock, change: str
) -> None:
    l1 = SlowToTell()
    async with Medha("tests", embedder, "memory", l1_backend=l1, clock=clock) as cache:
        await cache.store("albums by Queen", BY.format("Queen"))
        await cache.store("how many albums by ABBA", HOW_MANY.format("ABBA"), ttl=60)
        await cache.store("albums called Ride", "SELECT id FROM album WHERE title = 'Ride'")
        assert await cache.search("albums by ABBA")
        assert (await cache.search("albums by ABBA")).strategy is SearchStrategy.L1_CACHE
        l1.lookup = lambda: cache.search("albums by ABBA")
        if change == "expire":
            clock.now += 61
            await cache.expire()
        elif change == "clear":
            await cache.invalidate_collection()
        elif change == "contradict":
            await cache.store("albums by Slayer", HOW_MANY.format("Slayer"))
        else:
            await cache.load_values("album.title", ["ABBA"])
        l1.lookup = None
        learned = (await cache.explain("albums by ABBA")).hit
        served = await cache.search("albums by ABBA")
        assert (bool(served), served.generated_query) == (bool(learned), learned.generated_query)
        assert change == "load" or not served
