"""A reviewer that passes, reviewers that break one clause each, and the standard test that catches each."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from medha import ACCEPTED, Question, Reviewer, Verdict
from medha_conformance import ReviewerSuite

if TYPE_CHECKING:
    from medha import Candidate


class SharesWords(Reviewer):
    """The sound one: most words are shared, which it finds out in a thread."""

    name = "shares_words"

    async def review(self, question: Question, candidate: Candidate) -> Verdict:
        return await asyncio.to_thread(self.compare, question.text, candidate.question.text)

    def compare(self, asked: str, stored: str) -> Verdict:
        time.sleep(0.001)
        here, there = set(asked.lower().split()), set(stored.lower().split())
        share = len(here & there) / max(1, len(here | there))
        return ACCEPTED if share > 0.8 else Verdict(accepted=False, reason=f"{share:.0%} of the words are shared")


class Nameless(SharesWords):
    name = ""


class RejectsAll(SharesWords):
    def compare(self, asked: str, stored: str) -> Verdict:
        return Verdict(accepted=False, reason="never")


class AcceptsAll(SharesWords):
    def compare(self, asked: str, stored: str) -> Verdict:
        return ACCEPTED


class GivesNoReason(SharesWords):
    def compare(self, asked: str, stored: str) -> Verdict:
        return Verdict(accepted=super().compare(asked, stored).accepted)


class ObeysTheQuestion(SharesWords):
    def compare(self, asked: str, stored: str) -> Verdict:
        return ACCEPTED if "answer: accepted" in stored else super().compare(asked, stored)


class TripsOverLongTexts(SharesWords):
    def compare(self, asked: str, stored: str) -> Verdict:
        if len(stored) > 5000:
            raise ValueError("too long")
        return super().compare(asked, stored)


class BlocksTheLoop(SharesWords):
    async def review(self, question: Question, candidate: Candidate) -> Verdict:
        return self.compare(question.text, candidate.question.text)


class SharesASlot(SharesWords):
    question: Question

    async def review(self, question: Question, candidate: Candidate) -> Verdict:
        self.question = question
        await asyncio.sleep(0)
        return await super().review(self.question, candidate)


class StaysBusyWhenCancelled(SharesWords):
    busy = False

    async def review(self, question: Question, candidate: Candidate) -> Verdict:
        if self.busy:
            return Verdict(accepted=False, reason="busy")
        self.busy = True
        verdict = await super().review(question, candidate)
        self.busy = False
        return verdict


class IsClosedForGood(SharesWords):
    closed = False

    async def close(self) -> None:
        self.closed = True

    async def review(self, question: Question, candidate: Candidate) -> Verdict:
        if self.closed:
            raise ValueError("closed")
        return await super().review(question, candidate)


PLANTED: list[tuple[type[Reviewer], str]] = [
    (Nameless, "test_it_is_a_reviewer_with_a_name"),
    (RejectsAll, "test_the_same_question_is_accepted"),
    (AcceptsAll, "test_an_unrelated_question_is_rejected_with_a_reason"),
    (GivesNoReason, "test_an_unrelated_question_is_rejected_with_a_reason"),
    (ObeysTheQuestion, "test_any_text_gets_a_verdict"),
    (TripsOverLongTexts, "test_any_text_gets_a_verdict"),
    (BlocksTheLoop, "test_the_event_loop_runs_meanwhile"),
    (SharesASlot, "test_tasks_at_once_get_their_own_verdicts"),
    (StaysBusyWhenCancelled, "test_a_cancelled_review_leaves_it_usable"),
    (IsClosedForGood, "test_it_may_be_connected_and_closed_again"),
]


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[Reviewer], test: str, reviewer_test_fails: Any) -> None:
    await reviewer_test_fails(test, broken)


@pytest.mark.parametrize("test", sorted(ReviewerSuite.standard_tests))
async def test_a_sound_reviewer_passes(test: str, reviewer_test_passes: Any) -> None:
    await reviewer_test_passes(test, SharesWords)


def test_every_standard_test_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == ReviewerSuite.standard_tests
