"""Reviewers: asked last, about what is open only, and whatever is unclear is a rejection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from medha import ACCEPTED, Guard, Medha, Reviewer, SearchStrategy, Settings, Verdict
from medha.errors import ConfigurationError, PluginNotFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from conftest import WordsEmbedder

    from medha import Candidate, Question

STORED, ASKED = "show the earnings of every shop this year", "show the revenue of every shop this year"
QUERY = "SELECT shop, sum(total) FROM sale GROUP BY shop"


class Says(Reviewer):
    """Gives the verdicts that it was made with, or does what it was told to."""

    name = "says"

    def __init__(self, verdict: Any = ACCEPTED, act: Callable[[], Awaitable[Any]] | None = None) -> None:
        self.verdict = verdict
        self.act = act
        self.asked: list[tuple[str, str]] = []
        self.calls: list[str] = []

    async def connect(self) -> None:
        self.calls.append("connect")

    async def close(self) -> None:
        self.calls.append("close")

    async def review(self, question: Question, candidate: Candidate) -> Verdict:
        self.asked.append((question.text, candidate.question.text))
        assert candidate.now is not None
        return self.verdict if self.act is None else await self.act()


class SaysToo(Says):
    name = "says_too"


def cache_with(embedder: WordsEmbedder, *reviewers: Reviewer | str, **settings: Any) -> Medha:
    return Medha("tests", embedder, "memory", Settings(**settings), reviewers=reviewers)


async def test_a_reviewer_accepts_other_words_for_the_same_question(embedder: WordsEmbedder) -> None:
    reviewer = Says()
    async with cache_with(embedder, reviewer) as cache:
        entry_id = await cache.store(STORED, QUERY)
        hit = await cache.search(ASKED)
        assert hit.strategy is SearchStrategy.REVIEWED_MATCH
        assert (hit.generated_query, hit.entry_id) == (QUERY, entry_id)
        assert hit.similarity == hit.confidence
        assert hit.reason == "accepted by says"
        assert (await cache.search(ASKED)).strategy is SearchStrategy.L1_CACHE
    assert reviewer.asked == [(ASKED, STORED)]


async def test_without_a_reviewer_other_words_are_a_miss(embedder: WordsEmbedder) -> None:
    async with cache_with(embedder) as cache:
        await cache.store(STORED, QUERY)
        assert not await cache.search(ASKED)


@pytest.mark.parametrize(
    ("stored", "asked", "query"),
    [
        ("top 5 shops by revenue this year", "top 6 shops by revenue this year", QUERY),
        ("flights from Rome to Paris today", "flights from Paris to Rome today", QUERY),
        ("show the revenue of active shops", "show the revenue of inactive shops", QUERY),
        ("show every album of Queen this year", "show every album of Prince this year", QUERY),
        ("show every album of queen this year", "show every album of prince this year", "SELECT 1 WHERE a = 'Queen'"),
        ("las ventas de los comercios de Roma", "los ingresos de los comercios de Roma", QUERY),
        (STORED, f"{STORED} and {'x' * 4100}", QUERY),
    ],
)
async def test_what_a_guard_rejected_for_good_is_not_reviewed(
    embedder: WordsEmbedder, stored: str, asked: str, query: str
) -> None:
    reviewer = Says()
    async with cache_with(embedder, reviewer, score_threshold_review=0.0) as cache:
        await cache.store(stored, query)
        hit = await cache.search(asked)
        assert not hit
        assert "no candidate is open to review" in hit.reason
    assert reviewer.asked == []


async def test_what_is_accepted_already_needs_no_review(embedder: WordsEmbedder) -> None:
    reviewer = Says(Verdict(accepted=False, reason="no"))
    async with cache_with(embedder, reviewer) as cache:
        await cache.store("list the albums by Queen with their year", QUERY)
        hit = await cache.search("list albums by Queen with their year")
        assert hit.strategy in {SearchStrategy.SEMANTIC_MATCH, SearchStrategy.FUZZY_MATCH}
    assert reviewer.asked == []


async def _raise() -> Verdict:
    raise TimeoutError("the model is out of reach")


@pytest.mark.parametrize(
    ("reviewer", "reason"),
    [
        (Says(Verdict(accepted=False, reason="revenue is not earnings")), "rejected by says: revenue is not earnings"),
        (Says(Verdict(accepted=False)), "the reviewer gave no reason"),
        (Says(None), "the reviewer gave no Verdict, but a NoneType"),
        (Says(True), "the reviewer gave no Verdict, but a bool"),
        (Says(Verdict(accepted="yes")), "the reviewer gave no reason"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        (Says(act=_raise), "the reviewer failed: TimeoutError: the model is out of reach"),
    ],
)
async def test_whatever_is_unclear_is_a_rejection(embedder: WordsEmbedder, reviewer: Says, reason: str) -> None:
    async with cache_with(embedder, reviewer) as cache:
        await cache.store(STORED, QUERY)
        hit = await cache.search(ASKED)
        assert not hit
        assert reason in hit.reason
        assert cache.stats().guard_rejections["says"] == 1


@pytest.mark.parametrize("stubborn", [False, True])
async def test_a_reviewer_that_is_late_has_rejected(embedder: WordsEmbedder, stubborn: bool) -> None:
    async def wait() -> Verdict:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not stubborn:
                raise
        return ACCEPTED

    async with cache_with(embedder, Says(act=wait), review_timeout=0.01) as cache:
        await cache.store(STORED, QUERY)
        hit = await cache.search(ASKED)
        assert not hit
        assert "no answer within 0.01 s" in hit.reason


async def test_a_cancelled_lookup_cancels_its_review(embedder: WordsEmbedder) -> None:
    begun = asyncio.Event()

    async def wait() -> Verdict:
        begun.set()
        await asyncio.Event().wait()
        return ACCEPTED

    async with cache_with(embedder, Says(act=wait)) as cache:
        await cache.store(STORED, QUERY)
        task = asyncio.create_task(cache.search(ASKED))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_every_reviewer_must_accept(embedder: WordsEmbedder) -> None:
    first, second = Says(), SaysToo(Verdict(accepted=False, reason="no"))
    async with cache_with(embedder, first, second) as cache:
        await cache.store(STORED, QUERY)
        hit = await cache.search(ASKED)
        assert not hit
        assert "rejected by says_too: no" in hit.reason
    assert len(first.asked) == len(second.asked) == 1


async def test_only_the_closest_of_a_lookup_are_reviewed(embedder: WordsEmbedder) -> None:
    reviewer = Says(Verdict(accepted=False, reason="no"))
    async with cache_with(embedder, reviewer, review_top_k=2, score_threshold_review=0.5) as cache:
        for word in ("earnings", "income", "turnover", "sales"):
            await cache.store(f"show the {word} of every shop this year", f"SELECT {word}")
        assert not await cache.search(ASKED)
    assert len(reviewer.asked) == 2


async def test_a_reviewed_question_with_other_queries_in_other_scopes_is_a_miss(embedder: WordsEmbedder) -> None:
    async with cache_with(embedder, Says()) as cache:
        for tenant in ("acme", "globex"):
            await cache.store(STORED, f"SELECT {tenant}", metadata={"tenant": tenant})
        hit = await cache.search(ASKED)
        assert not hit
        assert "pass filters" in hit.reason
        hit = await cache.search(ASKED, filters={"tenant": "acme"})
        assert hit.generated_query == "SELECT acme"


async def test_explain_shows_the_verdicts_of_guards_and_reviewers(embedder: WordsEmbedder) -> None:
    async with cache_with(embedder, Says()) as cache:
        await cache.store(STORED, QUERY)
        decision = await cache.explain(ASKED)
    assert decision.hit.strategy is SearchStrategy.REVIEWED_MATCH
    verdicts = {v.guard: v.verdict.accepted for v in decision.candidates[-1].verdicts}
    assert (verdicts["words"], verdicts["says"]) == (False, True)
    assert decision.candidates[-1].tier == "review"


async def test_a_reviewer_is_connected_at_the_start_and_a_given_one_is_not_closed(embedder: WordsEmbedder) -> None:
    reviewer = Says()
    async with cache_with(embedder, reviewer):
        assert reviewer.calls == ["connect"]
    assert reviewer.calls == ["connect"]


async def test_a_reviewer_that_is_none_is_refused(embedder: WordsEmbedder) -> None:
    class Strict(Guard):
        name = "strict"

        def verify(self, question: Question, candidate: Candidate) -> Verdict:
            return ACCEPTED

    with pytest.raises(ConfigurationError, match="not a Strict"):
        await cache_with(embedder, Strict()).start()  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigurationError, match="given twice: says"):
        await cache_with(embedder, Says(), Says()).start()
    with pytest.raises(PluginNotFoundError, match="no guard named 'judge'"):
        await cache_with(embedder, extra_guards="judge").start()
