"""Listeners: told of every lookup, and never in its way."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

import pytest

from medha import CacheHit, Decision, Medha, MedhaSync, Settings
from medha.errors import BackendUnavailableError, ConfigurationError
from medha.memory import MemoryBackend

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Clock, WatchedBackend, WordsEmbedder

QUESTION: Final = "How many albums did Queen release?"
REPHRASED: Final = "Could you tell me how many albums did Queen release?"
NEAR_MISS: Final = "How many albums did not Queen release?"
CALLER: ContextVar[str] = ContextVar("CALLER", default="nobody")


def ignore(decision: Decision) -> None:
    """Hear, and do nothing."""


def seeing(seen: list[str]) -> Callable[[Decision], None]:
    """Note in whose context each lookup is heard."""

    def see(decision: Decision) -> None:
        seen.append(CALLER.get())

    return see


def hearing(embedder: WordsEmbedder, *listeners: Any, **settings: Any) -> Medha:
    return Medha("tests", embedder, MemoryBackend(), Settings(**settings), listeners=listeners)


async def ask_all(cache: Medha) -> list[CacheHit]:
    await cache.store(QUESTION, "SELECT 1", metadata={"tenant": "acme"})
    asked = [QUESTION, QUESTION, REPHRASED, NEAR_MISS, "something else"]
    one_by_one = [await cache.search(question, filters={"tenant": "acme"}) for question in asked]
    return [*one_by_one, *await cache.search_batch([*asked, "something new"], filters={"tenant": "acme"})]


async def test_every_lookup_is_told_with_the_hit_that_it_served(embedder: WordsEmbedder) -> None:
    told: list[Decision] = []
    async with hearing(embedder, told.append) as cache:
        hits = await ask_all(cache)
        assert [decision.hit for decision in told][:5] == hits[:5]
        assert sorted(d.hit.reason for d in told[5:]) == sorted(hit.reason for hit in hits[5:])
        assert {(d.collection, d.filters["tenant"]) for d in told} == {("tests", "acme")}
        assert [d.question for d in told[:5]] == [QUESTION, QUESTION, REPHRASED, NEAR_MISS, "something else"]


async def test_a_decision_names_the_tiers_that_were_tried_and_the_guard_that_rejected(embedder: WordsEmbedder) -> None:
    told: list[Decision] = []
    async with hearing(embedder, told.append) as cache:
        await ask_all(cache)
        first, second, _, near_miss = told[:4]
        assert [(tier.tier, tier.answered) for tier in first.tiers] == [("l1", False), ("exact", True)]
        assert [(tier.tier, tier.answered) for tier in second.tiers] == [("l1", True)]
        assert [tier.tier for tier in near_miss.tiers] == ["l1", "exact", "template", "learned", "semantic", "fuzzy"]
        assert {c.verdicts[-1].verdict.accepted for c in near_miss.candidates} == {False}
        assert sum(tier.milliseconds for tier in near_miss.tiers) <= near_miss.milliseconds


async def test_hits_and_statistics_are_the_same_whether_somebody_listens_or_not(embedder: WordsEmbedder) -> None:
    async with hearing(embedder) as quiet, hearing(embedder, ignore) as heard:
        assert await ask_all(quiet) == await ask_all(heard)
        one, other = quiet.stats(), heard.stats()
        assert {k: v.count for k, v in one.by_strategy.items()} == {k: v.count for k, v in other.by_strategy.items()}
        assert (one.guard_rejections, one.errors) == (other.guard_rejections, other.errors)
        assert one.guard_rejections


async def test_a_lookup_that_is_heard_is_remembered_as_any_other(embedder: WordsEmbedder) -> None:
    async with hearing(embedder, ignore, l1_cache_max_size=0) as cache:
        await cache.search("total sales")
        await cache.search("total sales")
        assert len(embedder.calls) == 1


async def test_explain_is_told_to_nobody(embedder: WordsEmbedder) -> None:
    told: list[Decision] = []
    async with hearing(embedder, told.append) as cache:
        assert (await cache.explain(QUESTION)).collection == "tests"
    assert told == []


async def test_a_listener_that_raises_is_counted_and_logged_once_and_breaks_nothing(
    embedder: WordsEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Decision] = []

    def breaks(decision: Decision) -> None:
        raise ValueError(decision.question)

    async with hearing(embedder, breaks, told.append) as cache:
        with caplog.at_level(logging.INFO):
            hits = await ask_all(cache)
        assert len(told) == len(hits) == cache.stats().errors["ListenerError"] == 11
    (record,) = caplog.records
    assert (record.levelname, "ValueError" in record.message, QUESTION in record.message) == ("ERROR", True, False)


async def test_a_lookup_that_raises_is_told_with_its_error(
    embedder: WordsEmbedder, backend: WatchedBackend, clock: Clock
) -> None:
    told: list[Decision] = []
    async with Medha("tests", embedder, backend, clock=clock, listeners=[told.append]) as cache:
        backend.down = True
        with pytest.raises(BackendUnavailableError):
            await cache.search("total sales")
        with pytest.raises(BackendUnavailableError):
            await cache.search_batch(["total sales"])
    assert [type(decision.hit.error) for decision in told] == [BackendUnavailableError] * 2


async def test_get_or_generate_tells_of_the_lookup_that_missed(embedder: WordsEmbedder) -> None:
    told: list[Decision] = []
    async with hearing(embedder, told.append) as cache:
        await cache.get_or_generate("total sales", lambda question: "SELECT 1")
    assert [bool(decision.hit) for decision in told] == [False]


@pytest.mark.parametrize("way", ["search", "batch", "generate"])
async def test_a_listener_sees_the_context_of_whoever_asked(way: str, embedder: WordsEmbedder) -> None:
    seen: list[str] = []
    async with hearing(embedder, seeing(seen)) as cache:
        CALLER.set("the request")
        if way == "search":
            await cache.search("total sales")
        elif way == "batch":
            await cache.search_batch(["total sales", "all artists"])
        else:
            await cache.get_or_generate("total sales", lambda question: "SELECT 1")
    assert set(seen) == {"the request"}


def test_a_listener_of_a_blocking_cache_sees_the_context_of_whoever_asked(embedder: WordsEmbedder) -> None:
    seen: list[str] = []
    with MedhaSync("tests", embedder, MemoryBackend(), listeners=[seeing(seen)]) as cache:
        token = CALLER.set("the script")
        cache.search("total sales")
        CALLER.reset(token)
    assert seen == ["the script"]


async def _async(decision: Decision) -> None: ...


@pytest.mark.parametrize(("listener", "says"), [(_async, "queue"), (5, "function of a Decision"), ("absent", "absent")])
async def test_what_cannot_listen_is_refused_at_start(listener: Any, says: str, embedder: WordsEmbedder) -> None:
    from medha.errors import PluginNotFoundError

    with pytest.raises((ConfigurationError, PluginNotFoundError), match=says):
        await hearing(embedder, listener).start()
