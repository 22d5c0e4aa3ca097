"""Finding a threshold from pairs of questions whose answer is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medha.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medha_rerank.reviewer import RerankReviewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The least threshold that rejects every pair of different questions, and what it keeps.

    ``threshold`` is ``None`` when some different pair has the full score: then no threshold is safe with this model.
    ``bound``: with 95 % confidence, no larger share of such different pairs would be accepted (Clopper-Pearson). It
    holds for pairs drawn like those given, so give near misses from your own questions.
    """

    threshold: float | None
    different: int
    same: int
    kept: int
    bound: float


async def calibrate(
    reviewer: RerankReviewer, *, same: Iterable[tuple[str, str]], different: Iterable[tuple[str, str]]
) -> Calibration:
    """Score the pairs with a connected reviewer, whose own threshold plays no part.

    Raises:
        InvalidInputError: there are no different pairs, so nothing shows which threshold is safe.
    """
    wrong = [await reviewer.score(*pair) for pair in different]
    right = [await reviewer.score(*pair) for pair in same]
    if not wrong:
        raise InvalidInputError(
            "calibrate needs pairs of different questions; without them no threshold is known to be safe"
        )
    highest = max((score for score in wrong if score is not None), default=0.0)
    threshold = math.nextafter(highest, 2.0) if highest < 1 else None
    kept = 0 if threshold is None else sum(score is not None and score >= threshold for score in right)
    return Calibration(
        threshold=threshold, different=len(wrong), same=len(right), kept=kept, bound=1 - 0.05 ** (1 / len(wrong))
    )
