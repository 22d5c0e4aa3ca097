"""The hand-written pairs of ``benchmarks/pairs`` through a real cache: no near miss gets another question's query."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from medha import Medha, Settings

if TYPE_CHECKING:
    from conftest import WatchedBackend, WordsEmbedder

FOLDER = Path(__file__).resolve().parents[3] / "benchmarks" / "pairs"
ONLY_THE_GUARDS_DECIDE = {
    "score_threshold_semantic": -1.0,
    "score_threshold_fuzzy_prefilter": -1.0,
    "score_threshold_fuzzy": 0.0,
}
WITH_ITS_OWN_VALUES = {"5 nurses for 3 wards roster": "SELECT * FROM roster WHERE nurses = 5 AND wards = 3"}
"""Near misses for which a learned template writes the true query."""


def pairs(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()]


NEAR_MISSES, PARAPHRASES = pairs("near_misses"), pairs("paraphrases")


@pytest.mark.parametrize("settings", [{}, ONLY_THE_GUARDS_DECIDE], ids=["default", "open"])
@pytest.mark.parametrize("together", [False, True], ids=["alone", "together"])
async def test_no_near_miss_is_served(
    embedder: WordsEmbedder, backend: WatchedBackend, settings: dict[str, Any], together: bool
) -> None:
    scopes = [{} if together else {"pair": number} for number in range(len(NEAR_MISSES))]
    async with Medha("pairs", embedder, backend, Settings(**settings)) as cache:
        await cache.store_many(
            {"question": pair["stored"], "generated_query": pair["query"], "metadata": scope}
            for pair, scope in zip(NEAR_MISSES, scopes, strict=True)
        )
        await cache.wait_until_learned()
        hits = [
            (pair, hit)
            for pair, scope in zip(NEAR_MISSES, scopes, strict=True)
            if (hit := await cache.search(pair["asked"], filters=scope))
            and hit.generated_query != WITH_ITS_OWN_VALUES.get(pair["asked"])
        ]
        # a stored query with the values of the question may be the question's own
        served = [
            (pair["asked"], hit.matched_question) for pair, hit in hits if hit.generated_query != pair.get("true")
        ]
        assert {hit.strategy for _, hit in hits} <= {"learned_template"}

    assert served == []


async def test_a_paraphrase_gets_its_own_query_or_none(embedder: WordsEmbedder, backend: WatchedBackend) -> None:
    async with Medha("pairs", embedder, backend, Settings(**ONLY_THE_GUARDS_DECIDE)) as cache:
        await cache.store_many(
            {"question": pair["stored"], "generated_query": pair["query"]} for pair in PARAPHRASES + NEAR_MISSES
        )
        await cache.wait_until_learned()
        hits = [(pair, hit) for pair in PARAPHRASES if (hit := await cache.search(pair["asked"]))]

    assert [pair["asked"] for pair, hit in hits if hit.generated_query != pair["query"]] == []
    assert len(hits) >= 70


def test_there_are_enough_pairs_of_enough_kinds_and_none_twice() -> None:
    assert len(NEAR_MISSES) >= 400
    assert len({pair["kind"] for pair in NEAR_MISSES}) >= 17
    assert len(PARAPHRASES) >= 200
    assert len({pair["kind"] for pair in PARAPHRASES}) >= 12
    assert len({pair["stored"] for pair in NEAR_MISSES}) == len(NEAR_MISSES)
    assert {pair["language"] for pair in NEAR_MISSES} == {"sql", "cypher", "graphql"}
    assert all(pair["why"] for pair in NEAR_MISSES)
