"""Attacks on the whole cache: changed questions must miss, hostile values must stay values."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.hostile import (
    LEARNT_FROM,
    TEMPLATES,
    Mutant,
    harmless_question,
    hostile_questions,
    mutants,
    without_literals,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medha import Medha, Settings
from medha.memory import MemoryBackend

if TYPE_CHECKING:
    from conftest import WordsEmbedder

    from medha import CacheHit

FOLDER: Final = Path(__file__).resolve().parents[3] / "benchmarks" / "pairs"
OPEN: Final = Settings(
    score_threshold_semantic=-1.0,
    score_threshold_fuzzy_prefilter=-1.0,
    score_threshold_fuzzy=0.0,
    l1_cache_max_size=0,
)
QUESTIONS: Final = [
    json.loads(line)["stored"]
    for name in ("near_misses", "paraphrases")
    for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()
]
ORDERS, LANGUAGES = TEMPLATES[0], {str(each["intent"]): str(each.get("language", "sql")) for each in TEMPLATES}


async def asked_of(embedder: WordsEmbedder, stored: str, asked: str) -> CacheHit:
    async with Medha("attack", embedder, MemoryBackend(), OPEN) as cache:
        await cache.store(stored, "SELECT 1")
        return await cache.search(asked)


def changed() -> st.SearchStrategy[Mutant]:
    seeded = st.tuples(st.sampled_from(QUESTIONS), st.integers(0, 2**32))
    return seeded.flatmap(
        lambda pair: st.sampled_from(list(mutants(pair[0], random.Random(pair[1]))) or [Mutant("", pair[0], "other")])
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutant=changed())
def test_a_question_with_a_value_a_negation_or_an_order_changed_misses(embedder: WordsEmbedder, mutant: Mutant) -> None:
    hit = asyncio.run(asked_of(embedder, mutant.stored, mutant.asked))
    assert not hit, (mutant, hit.reason)


async def test_changed_questions_miss_among_all_the_others_too(embedder: WordsEmbedder) -> None:
    draw = random.Random(7)
    sample = draw.sample(QUESTIONS, 120)
    async with Medha("attack", embedder, MemoryBackend(), OPEN) as cache:
        await cache.store_many({"question": question, "generated_query": question} for question in QUESTIONS)
        changes = [mutant for question in sample for mutant in mutants(question, draw)]
        served = [mutant for mutant in changes if await cache.search(mutant.asked)]

    assert len(changes) > 150
    assert served == []


async def test_hostile_values_never_change_the_tree(embedder: WordsEmbedder) -> None:
    trees: dict[str | None, str] = {None: without_literals(LEARNT_FROM[0]["generated_query"])}
    wrong: list[tuple[str, str]] = []
    answered = 0

    def form(hit: CacheHit) -> str:
        query = hit.generated_query or ""
        return without_literals(query) if LANGUAGES.get(hit.template_used or "", "sql") == "sql" else query

    async with Medha("attack", embedder, MemoryBackend(), templates=TEMPLATES) as cache:
        await cache.store_many(LEARNT_FROM)
        for template in TEMPLATES:
            hit = await cache.search(harmless_question(str(template["template_text"])))
            trees[hit.template_used] = form(hit)
        for question in hostile_questions(400, seed=3):
            hit = await cache.search(question)
            answered += bool(hit)
            if hit and form(hit) != trees[hit.template_used]:
                wrong.append((question, hit.generated_query or ""))

    assert answered > 100
    assert wrong == []


async def test_a_value_in_quotes_reaches_the_query_as_a_literal_to_the_letter(embedder: WordsEmbedder) -> None:
    async with Medha("attack", embedder, MemoryBackend(), templates=[ORDERS]) as cache:
        hit = await cache.search('orders of "x\'; DROP TABLE person; --"')

    assert hit.generated_query == "SELECT id FROM orders WHERE customer = 'x''; DROP TABLE person; --'"
    assert hit.parameters == {"customer": "x'; DROP TABLE person; --"}
