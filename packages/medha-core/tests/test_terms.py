"""Bounds of a share, and what they allow a tier to serve."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medha import Settings
from medha.binomial import lower_bound, upper_bound
from medha.terms import CONFIDENCE, Tally, band_of, decide, tighter

if TYPE_CHECKING:
    from medha.models import Terms

DEFAULT = Settings()
counts = st.integers(1, 5_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


def clopper_pearson(count: int, total: int, confidence: float) -> float:
    """The share at which so few or fewer would come with probability 1 - confidence, from the binomial tail itself."""

    def tail(share: float) -> float:
        logs = [
            math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1)
            + k * math.log(share) + (total - k) * math.log1p(-share)
            for k in range(count + 1)
        ]  # fmt: skip
        return math.fsum(math.exp(each) for each in logs)

    low, high = count / total, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if middle == 0 or tail(middle) > 1 - confidence else (low, middle)
    return high


@given(counts, st.floats(0.5, 0.999))
def test_the_share_lies_between_its_bounds(pair: tuple[int, int], confidence: float) -> None:
    count, total = pair
    assert 0 <= lower_bound(count, total, confidence) <= count / total <= upper_bound(count, total, confidence) <= 1


@given(counts)
def test_more_wrong_answers_raise_both_bounds(pair: tuple[int, int]) -> None:
    count, total = pair
    if count < total:
        assert upper_bound(count, total, 0.95) <= upper_bound(count + 1, total, 0.95) + 1e-12
        assert lower_bound(count, total, 0.95) <= lower_bound(count + 1, total, 0.95) + 1e-12


@given(st.integers(1, 300).flatmap(lambda total: st.tuples(st.integers(0, min(total - 1, 20)), st.just(total))))
def test_a_bound_for_all_times_is_never_below_that_of_clopper_and_pearson(pair: tuple[int, int]) -> None:
    count, total = pair
    if count < total:
        assert upper_bound(count, total, 0.95) >= clopper_pearson(count, total, 0.95) - 1e-9


@given(counts, st.floats(0.5, 0.99))
def test_more_confidence_is_a_wider_interval(pair: tuple[int, int], confidence: float) -> None:
    count, total = pair
    assert upper_bound(count, total, confidence) <= upper_bound(count, total, confidence + 0.009) + 1e-12
    assert lower_bound(count, total, confidence) >= lower_bound(count, total, confidence + 0.009) - 1e-12


@pytest.mark.parametrize(("bound", "needed"), [(0.05, 64), (0.01, 376), (0.005, 820)])
def test_so_many_right_answers_and_no_wrong_one_prove_a_tier(bound: float, needed: int) -> None:
    assert not fuzzy(Tally(needed - 1, 0), bound).tiers["fuzzy"].allowed
    assert fuzzy(Tally(needed, 0), bound).tiers["fuzzy"].allowed


def fuzzy(tally: Tally, bound: float) -> Terms:
    return decide({("fuzzy", None): tally}, DEFAULT, bound)


@pytest.mark.parametrize("rate", [0.05, 0.07, 0.15])
def test_a_tier_that_is_wrong_as_often_or_more_is_let_in_at_any_time_in_at_most_one_run_of_twenty(rate: float) -> None:
    let_in = 0
    for seed in range(60):
        draw = random.Random(seed)
        right = wrong = 0
        for _ in range(160):
            bad = draw.random() < rate
            right, wrong = right + (not bad), wrong + bad
            if fuzzy(Tally(right, wrong), 0.05).tiers["fuzzy"].allowed:
                let_in += 1
                break

    assert let_in / 60 <= 1 - CONFIDENCE


@pytest.mark.parametrize("rate", [0.05, 0.08])
def test_no_threshold_is_lowered_for_answers_that_are_wrong_too_often(rate: float) -> None:
    lowered = 0
    for seed in range(40):
        draw = random.Random(seed)
        evidence: dict[tuple[str, int | None], Tally] = {}
        for number in range(200):
            key = ("semantic", draw.randrange(90, 99))
            right, wrong = evidence.get(key, Tally(0, 0))
            bad = draw.random() < rate
            evidence[key] = Tally(right + (not bad), wrong + bad)
            if number % 5 == 0 and decide(evidence, DEFAULT, 0.05).tiers["semantic"].threshold != 0.99:
                lowered += 1
                break

    assert lowered / 40 <= 1 - CONFIDENCE


def test_without_evidence_only_the_strictest_similarity_is_served() -> None:
    terms = decide({}, DEFAULT, 0.01)
    assert (terms.tiers["semantic"].threshold, terms.tiers["semantic"].allowed) == (0.99, True)
    assert {tier: each.allowed for tier, each in terms.tiers.items() if tier != "semantic"} == {
        "learned": False,
        "fuzzy": False,
        "review": False,
    }


def test_the_threshold_goes_as_low_as_is_proven() -> None:
    evidence: dict[tuple[str, int | None], Tally] = {
        ("semantic", 95): Tally(400, 0),
        ("semantic", 91): Tally(200, 60),
    }
    terms = decide(evidence, DEFAULT, 0.05)
    assert terms.tiers["semantic"].threshold == 0.95
    assert decide(evidence | {("semantic", 91): Tally(200, 0)}, DEFAULT, 0.05).tiers["semantic"].threshold == 0.91


def test_the_strict_threshold_is_taken_away_when_the_evidence_is_against_it() -> None:
    terms = decide({("semantic", 99): Tally(20, 10)}, DEFAULT, 0.05)
    assert (terms.tiers["semantic"].allowed, terms.tiers["semantic"].threshold) == (False, None)
    assert "disproven" in (terms.why_shut("semantic") or "")


def test_no_threshold_is_lower_than_what_was_judged() -> None:
    assert decide({("semantic", 92): Tally(900, 0)}, DEFAULT, 0.05).tiers["semantic"].threshold == 0.92
    settings = Settings(score_threshold_semantic=0.925)
    assert decide({("semantic", 92): Tally(900, 0)}, settings, 0.05).tiers["semantic"].threshold == 0.99


@given(st.floats(-1, 1))
def test_a_similarity_never_speaks_for_a_stricter_threshold(similarity: float) -> None:
    band = band_of("semantic", similarity)
    assert band is not None
    assert band / 100 <= similarity + 1e-7
    assert band_of("fuzzy", similarity) is None


def test_what_is_tighter() -> None:
    free = decide({("fuzzy", None): Tally(500, 0), ("semantic", 95): Tally(500, 0)}, DEFAULT, 0.05)
    strict = decide({}, DEFAULT, 0.05)
    assert tighter(strict, free)
    assert not tighter(free, strict)
    assert not tighter(free, free)
    assert tighter(decide({("semantic", 99): Tally(20, 10)}, DEFAULT, 0.05), strict)
