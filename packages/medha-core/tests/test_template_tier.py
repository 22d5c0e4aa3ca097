"""Templates in the waterfall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from medha import Medha, MedhaSync, SearchStrategy
from medha.errors import LifecycleError, TemplateError

if TYPE_CHECKING:
    from conftest import WatchedBackend, WordsEmbedder

ALBUMS: Final[dict[str, Any]] = {
    "intent": "albums_of",
    "template_text": "albums by {name}",
    "query_template": "SELECT title FROM album WHERE artist = {name}",
    "parameters": ["name"],
}


async def test_a_template_answers_without_embedder_and_search(embedder: WordsEmbedder, backend: WatchedBackend) -> None:
    async with Medha("tests", embedder, backend, templates=[ALBUMS]) as cache:
        embedder.down = True
        backend.calls.clear()
        hit = await cache.search("Show me the albums by O'Brien")
        assert hit.strategy is SearchStrategy.TEMPLATE_MATCH
        assert hit.generated_query == "SELECT title FROM album WHERE artist = 'O''Brien'"
        assert hit.template_used == "albums_of"
        assert hit.parameters == {"name": "O'Brien"}
        assert hit.confidence == pytest.approx(0.95)
        assert backend.calls == {"get": 1}
        assert cache.stats().by_strategy["template_match"].count == 1


async def test_a_stored_query_of_the_very_question_comes_before_a_template(embedder: WordsEmbedder) -> None:
    async with Medha("tests", embedder, "memory", templates=[ALBUMS]) as cache:
        await cache.store("albums by Queen", "SELECT 'by hand'")
        assert (await cache.search("albums by Queen")).generated_query == "SELECT 'by hand'"


async def test_new_templates_count_at_once_and_nothing_of_the_old_ones_is_served(embedder: WordsEmbedder) -> None:
    async with Medha("tests", embedder, "memory", templates=[ALBUMS]) as cache:
        for _ in range(2):
            assert (await cache.search("albums by Queen")).strategy is SearchStrategy.TEMPLATE_MATCH
        changed = ALBUMS | {"query_template": "SELECT name FROM record WHERE artist = {name}"}
        assert await cache.load_templates([changed]) == 1
        assert (
            await cache.search("albums by Queen")
        ).generated_query == "SELECT name FROM record WHERE artist = 'Queen'"
        assert await cache.load_templates([]) == 0
        assert not await cache.search("albums by Queen")
        assert cache.templates == []


async def test_bad_templates_are_refused_and_the_former_ones_stay(embedder: WordsEmbedder) -> None:
    cache = Medha("tests", embedder, "memory", templates=[ALBUMS])
    with pytest.raises(LifecycleError):
        await cache.load_templates([])
    async with cache:
        with pytest.raises(TemplateError, match="template 0 of the given templates: query_template: Field required"):
            await cache.load_templates([{"intent": "x", "template_text": "y"}])
        assert await cache.search("albums by Queen")


async def test_a_question_that_fits_two_templates_is_a_miss_that_names_both(embedder: WordsEmbedder) -> None:
    other = ALBUMS | {"intent": "other", "query_template": "SELECT 1 FROM t WHERE a = {name}"}
    async with Medha("tests", embedder, "memory", templates=[ALBUMS, other]) as cache:
        hit = await cache.search("albums by Queen")
        assert not hit
        assert "fits templates in several ways: albums_of with {'name': 'Queen'}; other with" in hit.reason


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("albums by Queen that are not sold", "no template accounts for every word of this question"),
        ("tracks by Queen", "no template has only words of this question"),
    ],
)
async def test_the_decision_says_why_no_template_answered(embedder: WordsEmbedder, question: str, reason: str) -> None:
    async with Medha("tests", embedder, "memory", templates=[ALBUMS]) as cache:
        decision = await cache.explain(question)
        assert [trace.reason for trace in decision.tiers if trace.tier == "template"] == [reason]


def test_the_blocking_facade_loads_templates_too(embedder: WordsEmbedder) -> None:
    with MedhaSync("tests", embedder, "memory") as cache:
        assert cache.load_templates([ALBUMS]) == 1
        assert cache.search("albums by Queen").parameters == {"name": "Queen"}
