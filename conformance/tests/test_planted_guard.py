"""A guard that passes, guards that break one clause each, and the standard test that catches each."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from medha import ACCEPTED, Guard, Question, Verdict
from medha_conformance import GuardSuite

if TYPE_CHECKING:
    from medha import Candidate

_DIFFERENT = Verdict(accepted=False, reason="other words")


class SameWords(Guard):
    """The sound one: the same words in the same order, whatever their case."""

    name = "same_words"

    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        same = question.normalized.lower().split() == candidate.question.normalized.lower().split()
        return ACCEPTED if same else _DIFFERENT


class Nameless(SameWords):
    name = " "


class RenamesItself(SameWords):
    @property
    def name(self) -> str:  # type: ignore[override] # pyright: ignore[reportIncompatibleVariableOverride]
        return f"same_words_{id(self)}"


class RejectsAll(SameWords):
    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        return _DIFFERENT


class SaysYes(SameWords):
    def verify(self, question: Question, candidate: Candidate) -> Any:
        return super().verify(question, candidate).accepted


class GivesNoReason(SameWords):
    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        return Verdict(accepted=super().verify(question, candidate).accepted)


class LearnsFromWhatItSaw(SameWords):
    def __init__(self) -> None:
        self.seen: set[str] = set()

    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        verdict = super().verify(question, candidate)
        known = question.normalized in self.seen
        self.seen.add(question.normalized)
        return ACCEPTED if known else verdict


class FlipsACoin(SameWords):
    def __init__(self) -> None:
        self.kind = str(random.Random().random())

    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        verdict = super().verify(question, candidate)
        return verdict if verdict.accepted else Verdict(accepted=False, reason=self.kind)


class AcceptsTheShorter(SameWords):
    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        shorter = len(question.normalized) < len(candidate.question.normalized)
        return ACCEPTED if shorter else super().verify(question, candidate)


class TripsOverTabs(SameWords):
    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        question.normalized.replace("\t", "\ud800").encode()
        return super().verify(question, candidate)


class GivesUpOnLongTexts(SameWords):
    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        return _DIFFERENT if len(question.normalized) > 5000 else super().verify(question, candidate)


class KnowsLatinLettersOnly(SameWords):
    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        question.normalized.encode("latin-1")
        return super().verify(question, candidate)


class ParsesTheQuery(SameWords):
    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        candidate.entry.generated_query.split()[1]
        return super().verify(question, candidate)


class NeedsTheTime(SameWords):
    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        age = candidate.now - candidate.entry.created_at  # type: ignore[operator] # pyright: ignore[reportOptionalOperand]
        assert age is not None
        return super().verify(question, candidate)


class LooksAtTheClock(SameWords):
    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        late = time.time() - candidate.entry.created_at > 86_400 * 400
        return ACCEPTED if late else super().verify(question, candidate)


class WritesALog(SameWords):
    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        Path(__file__).read_bytes()
        return super().verify(question, candidate)


class SharesASlot(SameWords):
    question: Question

    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        self.question = question
        time.sleep(0.0002)
        return super().verify(self.question, candidate)


PLANTED: list[tuple[type[Guard], str]] = [
    (Nameless, "test_it_is_a_guard_with_a_name"),
    (RenamesItself, "test_it_is_a_guard_with_a_name"),
    (RejectsAll, "test_the_same_question_is_accepted"),
    (SaysYes, "test_every_verdict_is_one_and_a_rejection_says_why"),
    (GivesNoReason, "test_every_verdict_is_one_and_a_rejection_says_why"),
    (LearnsFromWhatItSaw, "test_the_same_arguments_get_the_same_verdict"),
    (FlipsACoin, "test_the_same_arguments_get_the_same_verdict"),
    (AcceptsTheShorter, "test_it_does_not_matter_which_was_asked_and_which_stored"),
    (TripsOverTabs, "test_any_text_gets_a_verdict"),
    (GivesUpOnLongTexts, "test_a_long_text_gets_a_verdict"),
    (KnowsLatinLettersOnly, "test_any_language_gets_a_verdict"),
    (ParsesTheQuery, "test_any_entry_gets_a_verdict"),
    (NeedsTheTime, "test_any_entry_gets_a_verdict"),
    (LooksAtTheClock, "test_it_reads_no_clock_of_its_own"),
    (WritesALog, "test_it_does_no_input_and_output"),
    (SharesASlot, "test_threads_get_their_own_verdicts"),
]


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[Guard], test: str, guard_test_fails: Any) -> None:
    await guard_test_fails(test, broken)


@pytest.mark.parametrize("test", sorted(GuardSuite.standard_tests))
async def test_a_sound_guard_passes(test: str, guard_test_passes: Any) -> None:
    await guard_test_passes(test, SameWords)


def test_every_standard_test_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == GuardSuite.standard_tests
