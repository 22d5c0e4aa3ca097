from __future__ import annotations

import pytest

from medha.errors import InvalidInputError
from medha_rerank import RerankReviewer, RerankSettings, calibrate

SAME = [
    ("how many albums are there", "albums how many there are"),
    ("what is the number of albums", "number of albums"),
]
DIFFERENT = [
    ("how many albums are there", "how many artists are there"),
    ("flights from rome to berlin", "orders from rome to berlin"),
    ("list all tracks", "which customers live in rome"),
]


async def test_the_threshold_rejects_every_different_pair_and_keeps_what_it_can(reviewer: RerankReviewer) -> None:
    found = await calibrate(reviewer, same=SAME, different=DIFFERENT)
    assert found.threshold is not None
    wrong = [await reviewer.score(*pair) for pair in DIFFERENT]
    right = [await reviewer.score(*pair) for pair in SAME]
    assert all(score is not None and score < found.threshold for score in wrong)
    assert max(score for score in wrong if score is not None) == pytest.approx(found.threshold)
    assert found.kept == sum(score is not None and score >= found.threshold for score in right) == 1
    assert (found.same, found.different) == (2, 3)
    assert found.bound == pytest.approx(0.632, abs=0.001)


async def test_more_pairs_bound_the_share_more_closely(reviewer: RerankReviewer) -> None:
    found = await calibrate(reviewer, same=[], different=DIFFERENT * 100)
    assert found.bound == pytest.approx(0.00994, abs=0.00001)


async def test_a_model_that_gives_a_wrong_pair_the_full_score_has_no_safe_threshold(settings: RerankSettings) -> None:
    class Sure(RerankReviewer):
        async def score(self, asked: str, stored: str) -> float | None:
            return 1.0

    found = await calibrate(Sure(settings), same=SAME, different=DIFFERENT)
    assert (found.threshold, found.kept) == (None, 0)


async def test_without_different_pairs_nothing_is_calibrated(reviewer: RerankReviewer) -> None:
    with pytest.raises(InvalidInputError, match="pairs of different questions"):
        await calibrate(reviewer, same=SAME, different=[])
