"""Bounds of a share that hold at every moment, however often one looks.

Clopper and Pearson (1934) bound a share for a sample whose size was fixed beforehand. Answers are judged one by one,
and the bound is looked at after each: a bound for a fixed size would then be crossed by chance sooner or later. So this
is its counterpart that is valid at all times at once, by Ville's inequality for a mixture of likelihood ratios
(Robbins, 1970; as a confidence sequence: Howard et al., 2021; Waudby-Smith and Ramdas, 2024).
"""

from __future__ import annotations

from math import inf, lgamma, log, log1p
from typing import Final

_FEW: Final = (0.5, 100.0)
_ANY: Final = (0.5, 0.5)
"""The mixtures are Beta distributions: one is sharpest for shares around one in two hundred. Both are valid for all."""
_STEPS: Final = 50


def upper_bound(count: int, total: int, confidence: float) -> float:
    """What the share is at most, when ``count`` of ``total`` had it: right at every total, with this confidence."""
    if count == total:
        return 1.0
    limit = _limit(count, total, confidence, _FEW)
    low, high = count / total, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if _log_likelihood(middle, count, total) <= limit else (middle, high)
    return high


def lower_bound(count: int, total: int, confidence: float) -> float:
    """What the share is at least; else as ``upper_bound``."""
    if count == 0:
        return 0.0
    limit = _limit(count, total, confidence, _ANY)
    low, high = 0.0, count / total
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _log_likelihood(middle, count, total) <= limit else (low, middle)
    return low


def _limit(count: int, total: int, confidence: float, mixture: tuple[float, float]) -> float:
    """A share as unlikely as this is excluded: the mixture beats it by 1 / (1 - confidence)."""
    a, b = mixture
    return _log_beta(a + count, b + total - count) - _log_beta(a, b) + log(1 - confidence)


def _log_likelihood(share: float, count: int, total: int) -> float:
    others = total - count
    if others and share >= 1:
        return -inf
    seen = count * log(share) if count else 0.0
    return seen + (others * log1p(-share) if others else 0.0)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
