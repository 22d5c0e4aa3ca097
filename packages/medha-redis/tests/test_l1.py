"""The L1 cache beyond its suite: processes that share it, a server that evicts or is away, age and size."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from medha import BaseEmbedder, CacheHit, Medha, SearchStrategy
from medha.errors import L1Error
from medha.memory import MemoryBackend
from medha_conformance.processes import running
from medha_conformance.proxy import Proxy
from medha_redis import RedisL1Cache, RedisL1Settings
from medha_redis.schema import names_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

    from medha_conformance.pytest_plugin import FindService

PROGRAM = Path(__file__).with_name("other_process.py")
HIT = CacheHit(
    strategy=SearchStrategy.EXACT_MATCH, reason="the same question", generated_query="SELECT 1", entry_id="e"
)


class AxisEmbedder(BaseEmbedder):
    """One direction for every text."""

    @property
    def dimension(self) -> int:
        return 4

    @property
    def model_name(self) -> str:
        return "axis"

    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Any:
        return [[1.0, 0.0, 0.0, 0.0]] * len(texts)


@pytest.fixture
def url(find_service: FindService) -> str:
    return find_service("redis")


@pytest_asyncio.fixture
async def l1(url: str, prefix: str, by_hand: Any) -> AsyncIterator[RedisL1Cache]:
    cache = RedisL1Cache(RedisL1Settings(url=url, prefix=prefix))
    await cache.connect()
    yield cache
    await cache.close()
    for key in by_hand.scan_iter(f"{prefix}*"):
        by_hand.delete(key)


async def keep(l1: RedisL1Cache, key: str, hit: CacheHit = HIT, tags: Collection[str] = ("e",)) -> bool:
    return await l1.set("music", key, hit, tags=tags, fence=(await l1.get("music", key)).fence)


async def kept(l1: RedisL1Cache, *keys: str) -> list[str]:
    return [key for key in keys if (await l1.get("music", key)).hit is not None]


def test_what_one_process_removed_no_other_serves(url: str, prefix: str, by_hand: Any) -> None:
    program = str(PROGRAM), url, prefix, "music"
    with running(*program) as one, running(*program) as two:
        assert [one.answer(), two.answer()] == ["ready"] * 2
        assert one.ask("store", "How many albums?", "SELECT 1") is None
        assert two.ask("search", "How many albums?") == ["SELECT 1", "exact_match"]
        # what one process looked up, the other serves without looking
        assert one.ask("search", "How many albums?") == ["SELECT 1", "l1_cache"]
        for number in range(2, 12):
            assert one.ask("store", "How many albums?", f"SELECT {number}") is None
            assert two.ask("search", "How many albums?") == [f"SELECT {number}", "exact_match"]
            assert two.ask("search", "How many albums?") == [f"SELECT {number}", "l1_cache"]
        assert one.ask("invalidate", "How many albums?") == 1
        assert two.ask("search", "How many albums?") == [None, "no_match"]
        assert one.ask("store", "How many artists?", "SELECT 0") is None
        assert two.ask("search", "How many artists?") == ["SELECT 0", "exact_match"]
        assert one.ask("clear") is None
        assert two.ask("search", "How many artists?") == [None, "no_match"]
    by_hand.execute_command("FT.DROPINDEX", names_of(prefix, "music").index)
    for key in by_hand.scan_iter(f"{prefix}*"):
        by_hand.delete(key)


@pytest.mark.parametrize("evicted", ["tag:*", "used"])
async def test_an_answer_that_could_not_be_withdrawn_any_more_is_not_served(
    l1: RedisL1Cache, prefix: str, by_hand: Any, evicted: str
) -> None:
    assert await keep(l1, "key", tags=["e", "q:1"])
    for key in list(by_hand.scan_iter(f"{prefix}*:{evicted}"))[:1]:
        by_hand.delete(key)
    assert await kept(l1, "key") == []
    assert await keep(l1, "key")
    assert await kept(l1, "key") == ["key"]


async def test_a_fence_that_redis_lost_moves_on(l1: RedisL1Cache, prefix: str, by_hand: Any) -> None:
    old = (await l1.get("music", "key")).fence
    for key in by_hand.scan_iter(f"{prefix}*:fence"):
        by_hand.delete(key)
    assert (await l1.get("music", "key")).fence > old
    assert await l1.set("music", "key", HIT, tags=["e"], fence=old) is False


async def test_an_answer_goes_with_its_entry_or_by_its_age(l1: RedisL1Cache, prefix: str, by_hand: Any) -> None:
    now = time.time()
    assert await keep(l1, "mortal", CacheHit(strategy=SearchStrategy.EXACT_MATCH, reason="r", expires_at=now + 100))
    assert await keep(l1, "old", HIT, tags=["other"])
    left = sorted(by_hand.ttl(key) for key in by_hand.scan_iter(f"{prefix}*:answer:*"))
    assert 95 <= left[0] <= 101
    assert 86_390 <= left[1] <= 86_400
    # what names them goes no earlier than they do
    assert sorted(by_hand.ttl(key) for key in by_hand.scan_iter(f"{prefix}*:tag:*")) == left


async def test_answers_that_redis_let_go_of_leave_no_traces(l1: RedisL1Cache, prefix: str, by_hand: Any) -> None:
    for number in range(50):
        assert await keep(l1, f"{number}")
    for key in by_hand.scan_iter(f"{prefix}*:answer:*"):
        by_hand.delete(key)
    for number in range(40):
        assert await keep(l1, f"alive {number}")
    (used,) = by_hand.scan_iter(f"{prefix}*:used")
    assert by_hand.zcard(used) <= 60
    assert await l1.invalidate("music", ["e"]) == 40


async def test_the_longest_unused_answers_leave_first(url: str, prefix: str, l1: RedisL1Cache, by_hand: Any) -> None:
    small = RedisL1Cache(RedisL1Settings(url=url, prefix=prefix, max_size=3))
    await small.connect()
    for key in ("a", "b", "c"):
        assert await keep(small, key)
        await in_the_next_millisecond()
    assert await kept(small, "a") == ["a"]
    await in_the_next_millisecond()
    assert await keep(small, "d")
    assert await kept(small, "a", "b", "c", "d") == ["a", "c", "d"]
    assert len(list(by_hand.scan_iter(f"{prefix}*:answer:*"))) == 3
    await small.close()


async def in_the_next_millisecond() -> None:
    until = time.time() + 0.002
    while time.time() < until:
        pass


async def test_what_is_stored_and_no_answer_is_an_error(l1: RedisL1Cache, prefix: str, by_hand: Any) -> None:
    assert await keep(l1, "key")
    (answer,) = by_hand.scan_iter(f"{prefix}*:answer:*")
    for damage in ("[]", "{", '{"strategy": "guess", "reason": ""}', '{"strategy": "l1_cache", "other": 1}'):
        by_hand.hset(answer, "hit", damage)
        with pytest.raises(L1Error, match="not an answer"):
            await l1.get("music", "key")


async def test_an_outage_is_a_counted_miss_and_what_was_owed_is_withdrawn(url: str, prefix: str, by_hand: Any) -> None:
    with Proxy(url) as proxy:
        l1 = RedisL1Cache(RedisL1Settings(url=proxy.url, prefix=prefix))
        async with Medha("music", AxisEmbedder(), MemoryBackend(), l1_backend=l1) as cache:
            await cache.store("How many albums?", "SELECT 1")
            assert (await cache.search("How many albums?")).strategy == SearchStrategy.EXACT_MATCH
            assert (await cache.search("How many albums?")).strategy == SearchStrategy.L1_CACHE
            proxy.stop()
            hit = await cache.search("How many albums?")
            assert (hit.generated_query, hit.strategy) == ("SELECT 1", SearchStrategy.EXACT_MATCH)
            assert cache.stats().errors == {"L1Error": 1}
            with pytest.raises(L1Error, match=r"withdrawing answers of 'music' on redis://.*cannot be reached"):
                await cache.store("How many albums?", "SELECT 2")
            proxy.start()
            assert (await cache.search("How many albums?")).generated_query == "SELECT 2"
            assert (await cache.search("How many albums?")).strategy == SearchStrategy.L1_CACHE
        await l1.close()
        for key in by_hand.scan_iter(f"{prefix}*"):
            by_hand.delete(key)


async def test_it_is_not_used_before_connect(url: str) -> None:
    with pytest.raises(L1Error, match="not connected"):
        await RedisL1Cache(RedisL1Settings(url=url)).get("music", "key")
