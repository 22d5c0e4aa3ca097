"""The suite that an L1 cache must pass."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import pytest
import pytest_asyncio

from medha import CacheHit, L1CacheBackend, L1Plugin, SearchStrategy
from medha.plugins import installed_plugins
from medha_conformance.corpus import HOSTILE_TEXTS, NOW
from medha_conformance.suite.loading import AuthorSettings, make_from
from medha_conformance.suite.reading import outcome_of
from medha_conformance.suite.standard import StandardSuite

if TYPE_CHECKING:
    from collections.abc import Collection

MakeL1: TypeAlias = Callable[[], L1CacheBackend]


class L1Tests:
    """The standard tests of ``L1Suite``."""

    l1_name: ClassVar[str]

    @pytest.fixture
    def settings(self) -> AuthorSettings:
        """The cache's settings; an author's class returns its own."""
        return {}

    @pytest.fixture
    def make_l1(self, settings: AuthorSettings) -> MakeL1:
        """Makes one more cache, not connected, through its entry point."""
        plugin = installed_plugins().find(L1Plugin, self.l1_name)
        return lambda: make_from(plugin, settings)

    @pytest_asyncio.fixture(loop_scope="function")
    async def l1(self, make_l1: MakeL1) -> AsyncIterator[L1CacheBackend]:
        """The cache, connected."""
        cache = make_l1()
        await cache.connect()
        yield cache
        await cache.close()

    @pytest.fixture
    def collection(self) -> str:
        """The name of a collection that nobody else uses."""
        return f"conformance-{uuid.uuid4().hex}"

    async def test_an_absent_key_is_no_answer(self, l1: L1CacheBackend, collection: str) -> None:
        read = await l1.get(collection, "absent")
        assert read.hit is None
        assert isinstance(read.fence, int)

    async def test_an_answer_comes_back_whole(self, l1: L1CacheBackend, collection: str) -> None:
        full = CacheHit(
            strategy=SearchStrategy.SEMANTIC_MATCH,
            reason="similarity 0.93",
            generated_query="SELECT 1",
            response_summary="One.",
            confidence=0.93,
            matched_question="How many?",
            similarity=0.9300000071525574,
            entry_id="entry-1",
            template_used="count-things",
            metadata={"tenant": "acme", "year": 2024, "share": 10.0, "draft": True},
            expires_at=NOW + 0.123456,
        )
        plain = _answer("SELECT 2")
        assert await _keep(l1, collection, "full", full)
        assert await _keep(l1, collection, "plain", plain)
        for key, hit in (("full", full), ("plain", plain)):
            found = (await l1.get(collection, key)).hit
            assert found is not None
            for field in fields(CacheHit):
                assert getattr(found, field.name) == getattr(hit, field.name), f"another {field.name} came back"
            assert [type(value) for value in found.metadata.values()] == [type(v) for v in hit.metadata.values()]
            assert found.strategy is hit.strategy

    async def test_hostile_keys_tags_and_texts_are_only_texts(self, l1: L1CacheBackend, collection: str) -> None:
        texts = {name: text for name, text in HOSTILE_TEXTS.items() if text}
        for name, text in texts.items():
            assert await _keep(l1, collection, text, _answer(text), tags=[f"{text} tag"]), name
        for name, text in texts.items():
            assert (await l1.get(collection, text)).hit == _answer(text), name
        for name, text in texts.items():
            assert await l1.invalidate(collection, [f"{text} tag"]) == 1, name
            assert (await l1.get(collection, text)).hit is None, name

    async def test_a_long_answer_comes_back_whole(self, l1: L1CacheBackend, collection: str) -> None:
        answer = _answer("é'" * 500_000)
        assert await _keep(l1, collection, "long", answer)
        assert (await l1.get(collection, "long")).hit == answer

    async def test_a_key_set_again_holds_the_newer_answer(self, l1: L1CacheBackend, collection: str) -> None:
        await _keep(l1, collection, "key", _answer("old"), tags=["old"])
        await _keep(l1, collection, "key", _answer("new"), tags=["new"])
        assert (await l1.get(collection, "key")).hit == _answer("new")
        assert await l1.invalidate(collection, ["new"]) == 1
        assert (await l1.get(collection, "key")).hit is None, "the newer answer's tag did not remove it"

    async def test_invalidate_removes_every_answer_with_the_tag(self, l1: L1CacheBackend, collection: str) -> None:
        for number in range(10):
            tags = [f"entry {number % 2}", f"question {number}"]
            await _keep(l1, collection, f"key {number}", _answer(f"{number}"), tags=tags)
        assert await l1.invalidate(collection, ["entry 0"]) == 5
        left = [number for number in range(10) if (await l1.get(collection, f"key {number}")).hit is not None]
        assert left == [1, 3, 5, 7, 9]

    async def test_any_one_tag_of_an_answer_removes_it(self, l1: L1CacheBackend, collection: str) -> None:
        for tag in ("first", "second", "third"):
            await _keep(l1, collection, "key", _answer("1"), tags=["first", "second", "third"])
            assert await l1.invalidate(collection, [tag]) == 1, tag
            assert (await l1.get(collection, "key")).hit is None, tag

    async def test_several_tags_count_each_answer_once(self, l1: L1CacheBackend, collection: str) -> None:
        await _keep(l1, collection, "one", _answer("1"), tags=["a", "b"])
        await _keep(l1, collection, "two", _answer("2"), tags=["b", "c"])
        await _keep(l1, collection, "three", _answer("3"), tags=["d"])
        assert await l1.invalidate(collection, ["a", "b", "c", "unknown"]) == 2
        assert (await l1.get(collection, "three")).hit == _answer("3")

    async def test_unknown_tags_remove_nothing(self, l1: L1CacheBackend, collection: str) -> None:
        await _keep(l1, collection, "key", _answer("1"), tags=["tag"])
        for tags in ([], ["unknown"], ["key"], ["ta"], ["tag "], ["*"], ["TAG"]):
            assert await l1.invalidate(collection, tags) == 0, tags
        assert (await l1.get(collection, "key")).hit == _answer("1")

    async def test_an_answer_read_before_an_invalidation_is_not_kept(self, l1: L1CacheBackend, collection: str) -> None:
        for tags in (["entry"], ["another entry"], ["unknown"]):
            fence = (await l1.get(collection, "key")).fence
            await l1.invalidate(collection, tags)
            assert await l1.set(collection, "key", _answer("stale"), tags=["entry"], fence=fence) is False
            assert (await l1.get(collection, "key")).hit is None, f"a stale answer slipped in after {tags}"

    async def test_an_answer_read_before_a_clear_is_not_kept(self, l1: L1CacheBackend, collection: str) -> None:
        old = (await l1.get(collection, "key")).fence
        for _ in range(3):
            await l1.clear(collection)
            assert await l1.set(collection, "key", _answer("stale"), tags=["entry"], fence=old) is False
            assert (await l1.get(collection, "key")).hit is None

    async def test_an_old_fence_never_becomes_current_again(self, l1: L1CacheBackend, collection: str) -> None:
        fences: list[int] = []
        for number in range(6):
            fences.append((await l1.get(collection, "key")).fence)
            await (l1.clear(collection) if number % 2 else l1.invalidate(collection, ["tag"]))
        assert (await l1.get(collection, "key")).fence not in fences
        assert len(set(fences)) == len(fences)

    async def test_a_refused_answer_leaves_the_kept_one(self, l1: L1CacheBackend, collection: str) -> None:
        old = (await l1.get(collection, "key")).fence
        await l1.invalidate(collection, ["tag"])
        await _keep(l1, collection, "key", _answer("current"), tags=["tag"])
        assert await l1.set(collection, "key", _answer("stale"), tags=["other"], fence=old) is False
        assert (await l1.get(collection, "key")).hit == _answer("current")
        assert await l1.invalidate(collection, ["tag"]) == 1, "the refused answer took the tags away"

    async def test_keeping_an_answer_does_not_move_the_fence(self, l1: L1CacheBackend, collection: str) -> None:
        fence = (await l1.get(collection, "a")).fence
        assert await l1.set(collection, "a", _answer("1"), tags=["a"], fence=fence) is True
        assert await l1.set(collection, "b", _answer("2"), tags=["b"], fence=fence) is True
        assert (await l1.get(collection, "b")).hit == _answer("2")

    async def test_clear_removes_every_answer(self, l1: L1CacheBackend, collection: str) -> None:
        for number in range(20):
            await _keep(l1, collection, f"key {number}", _answer(f"{number}"), tags=["tag"])
        await l1.clear(collection)
        for number in range(20):
            assert (await l1.get(collection, f"key {number}")).hit is None
        assert await l1.invalidate(collection, ["tag"]) == 0, "the tags of cleared answers are left"
        assert await _keep(l1, collection, "key 0", _answer("new"))

    async def test_collections_never_see_each_others_answers(self, l1: L1CacheBackend, collection: str) -> None:
        pairs = [
            (f"{collection}-a", "key"), (f"{collection}_a", "key"), (f"{collection}-A", "key"), (collection, "key"),
            (f"{collection}:a", "b"), (collection, "a:b"), (f"{collection}/a", "b"), (collection, "a/b"),
        ]  # fmt: skip
        for number, (name, key) in enumerate(pairs):
            await _keep(l1, name, key, _answer(f"{number}"), tags=["tag"])
        for number, (name, key) in enumerate(pairs):
            assert (await l1.get(name, key)).hit == _answer(f"{number}"), f"{name!r} {key!r}"

    async def test_one_collections_invalidation_leaves_the_others(self, l1: L1CacheBackend, collection: str) -> None:
        other = f"{collection}-other"
        fence = (await l1.get(other, "new")).fence
        for name in (collection, other):
            await _keep(l1, name, "key", _answer(name), tags=["tag"])
        assert await l1.invalidate(collection, ["tag"]) == 1
        await l1.clear(collection)
        assert (await l1.get(other, "key")).hit == _answer(other)
        assert await l1.set(other, "new", _answer("2"), tags=["tag"], fence=fence), "each collection has its own fence"

    async def test_100_tasks_lose_no_answer(self, l1: L1CacheBackend, collection: str) -> None:
        async def keep_and_read(number: int) -> None:
            assert await _keep(l1, collection, f"key {number}", _answer(f"{number}"), tags=[f"tag {number}", "all"])
            assert (await l1.get(collection, f"key {number}")).hit == _answer(f"{number}")

        await asyncio.gather(*(keep_and_read(number) for number in range(100)))
        assert await l1.invalidate(collection, ["tag 7"]) == 1
        assert await l1.invalidate(collection, ["all"]) == 99

    async def test_no_stale_answer_survives_concurrent_invalidations(self, l1: L1CacheBackend, collection: str) -> None:
        version = 0

        async def answer(pause: int) -> None:
            fence, seen = (await l1.get(collection, "key")).fence, version
            for _ in range(pause):
                await asyncio.sleep(0)
            await l1.set(collection, "key", _answer(f"{seen}"), tags=["entry"], fence=fence)

        async def change(pause: int) -> None:
            nonlocal version
            for _ in range(pause):
                await asyncio.sleep(0)
            version += 1
            await l1.invalidate(collection, ["entry"])

        for turn in range(30):
            await asyncio.gather(*(answer(pause) for pause in range(8)), change(turn % 10))
            hit = (await l1.get(collection, "key")).hit
            assert hit is None or hit == _answer(f"{version}"), "an answer older than the invalidation is served"

    async def test_a_cancelled_call_leaves_the_cache_usable(self, l1: L1CacheBackend, collection: str) -> None:
        async with asyncio.timeout(60):
            for steps in range(10):
                task = asyncio.create_task(_keep(l1, collection, f"key {steps}", _answer("1"), tags=["tag"]))
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            await l1.invalidate(collection, ["tag"])
            for steps in range(10):
                assert (await l1.get(collection, f"key {steps}")).hit is None, "half kept: the tag did not find it"
            assert await _keep(l1, collection, "key", _answer("2"))
            assert (await l1.get(collection, "key")).hit == _answer("2")

    async def test_it_may_be_connected_and_closed_again(self, make_l1: MakeL1, collection: str) -> None:
        cache = make_l1()
        await cache.close()
        for _ in range(2):
            await cache.connect()
            await cache.connect()
            assert await _keep(cache, collection, "key", _answer("1"))
            assert (await cache.get(collection, "key")).hit == _answer("1")
            await cache.close()
            outcome = await outcome_of(cache.close())
            assert outcome is None, "closing again is harmless"


class L1Suite(L1Tests, StandardSuite):
    """Every clause of ``L1CacheBackend``, tested on the installed plugin that ``l1_name`` names.

    A subclass sets ``l1_name`` and, where the plugin has settings, returns them from a ``settings`` fixture.
    """

    plugin_name: ClassVar[str] = "l1_name"


def _answer(query: str, **values: Any) -> CacheHit:
    return CacheHit(
        strategy=SearchStrategy.EXACT_MATCH,
        reason="the same question",
        generated_query=query,
        confidence=1.0,
        entry_id="entry",
        **values,
    )


async def _keep(
    l1: L1CacheBackend, collection: str, key: str, hit: CacheHit, *, tags: Collection[str] = ("entry",)
) -> bool:
    """Read and write at once, as a lookup does that finds its answer elsewhere."""
    fence = (await l1.get(collection, key)).fence
    return await l1.set(collection, key, hit, tags=tags, fence=fence)
