"""An extractor that passes, extractors that break one clause each, and the standard test that catches each."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from medha import Extractor, Span
from medha_conformance import ExtractorSuite

if TYPE_CHECKING:
    from collections.abc import Sequence

PLACES = {"Rome": "city", "Paris": "city", "Germany": "country", "New York": "city"}


class Gazetteer(Extractor):
    """The sound one: known names, looked for in a thread."""

    examples: ClassVar[list[tuple[str, str, str]]] = [
        ("Which customers live in Rome?", "city", "Rome"),
        ("Orders from Germany in 2024", "country", "Germany"),
        ("Flights from New York to Paris", "city", "Paris"),
    ]

    @property
    def labels(self) -> Sequence[str] | None:
        return ("city", "country")

    async def aextract_batch(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        return await asyncio.to_thread(self.read_all, list(texts), list(labels))

    def read_all(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        return [self.read(text, labels) for text in texts]

    def read(self, text: str, labels: Sequence[str]) -> list[Span]:
        found = re.finditer("|".join(PLACES), text)
        return [Span(*match.span(), PLACES[match[0]]) for match in found if PLACES[match[0]] in labels]


class LearnsItsLabels(Gazetteer):
    known: tuple[str, ...] = ("city", "country")

    @property
    def labels(self) -> Sequence[str]:
        return self.known

    def read(self, text: str, labels: Sequence[str]) -> list[Span]:
        self.known = ("city", "country", "year")
        return super().read(text, labels)


class NamesALabelTwice(Gazetteer):
    @property
    def labels(self) -> Sequence[str]:
        return ("city", "city", "country")


class FindsNothing(Gazetteer):
    def read(self, text: str, labels: Sequence[str]) -> list[Span]:
        return []


class TakesTheSpaceAlong(Gazetteer):
    def read(self, text: str, labels: Sequence[str]) -> list[Span]:
        return [replace(span, start=max(0, span.start - 1)) for span in super().read(text, labels)]


class LabelsNothingAsSomething(Gazetteer):
    def read(self, text: str, labels: Sequence[str]) -> list[Span]:
        return super().read(text, labels) or [Span(0, 0, label) for label in labels]


class RunsBeyondLongTexts(Gazetteer):
    def read(self, text: str, labels: Sequence[str]) -> list[Span]:
        found = super().read(text, labels)
        return [*found, Span(0, len(text) + 1, labels[0])] if len(text) > 5000 and labels else found


class ScoresInPercent(Gazetteer):
    def read(self, text: str, labels: Sequence[str]) -> list[Span]:
        return [replace(span, confidence=97.5) for span in super().read(text, labels)]


class CountsBytes(Gazetteer):
    def read(self, text: str, labels: Sequence[str]) -> list[Span]:
        return [
            replace(span, start=len(text[: span.start].encode()), end=len(text[: span.end].encode()))
            for span in super().read(text, labels)
        ]


class CountsUtf16(Gazetteer):
    def read(self, text: str, labels: Sequence[str]) -> list[Span]:
        return [
            replace(span, start=units(text[: span.start]), end=units(text[: span.end]))
            for span in super().read(text, labels)
        ]


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


class GivesEveryLabel(Gazetteer):
    def read(self, text: str, labels: Sequence[str]) -> list[Span]:
        return super().read(text, ["city", "country"])


class NoLabelMeansAll(Gazetteer):
    def read(self, text: str, labels: Sequence[str]) -> list[Span]:
        return super().read(text, labels or ["city", "country"])


class SortsTheBatch(Gazetteer):
    def read_all(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        return super().read_all(sorted(texts), labels)


class ReadsEachTextOnce(Gazetteer):
    def read_all(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        distinct = list(dict.fromkeys(texts))
        return super().read_all([*distinct, *[""] * (len(texts) - len(distinct))], labels)


class AnswersNothingToDo(Gazetteer):
    def read_all(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        return super().read_all(texts or [""], labels)


class Drifts(Gazetteer):
    calls = 0

    def read_all(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        self.calls += 1
        sure = 1.0 / self.calls
        return [[replace(span, confidence=sure) for span in spans] for spans in super().read_all(texts, labels)]


class TurnsTheCallersTexts(Gazetteer):
    async def aextract_batch(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        if isinstance(texts, list):
            texts.reverse()
        return await super().aextract_batch(texts, labels)


class SortsTheCallersLabels(Gazetteer):
    async def aextract_batch(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        if isinstance(labels, list):
            labels.sort()
        return await super().aextract_batch(texts, labels)


class BlocksTheLoop(Gazetteer):
    async def aextract_batch(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        await asyncio.sleep(0)
        return self.read_all(texts, labels)


class SharesOneSlot(Gazetteer):
    texts: Sequence[str] = ()

    async def aextract_batch(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        self.texts = texts
        await asyncio.sleep(0)
        return await super().aextract_batch(self.texts, labels)


class StaysBusyWhenCancelled(Gazetteer):
    busy = False

    async def aextract_batch(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        chosen = [""] * len(texts) if self.busy else texts
        self.busy = True
        await asyncio.sleep(0)
        self.busy = False
        return await super().aextract_batch(chosen, labels)


class ForgetsWhenClosed(Gazetteer):
    closed = False

    async def close(self) -> None:
        self.closed = self.connected

    connected = False

    async def connect(self) -> None:
        self.connected = True

    def read(self, text: str, labels: Sequence[str]) -> list[Span]:
        return [] if self.closed else super().read(text, labels)


PLANTED: list[tuple[type[Extractor], str]] = [
    (LearnsItsLabels, "test_the_labels_are_known_before_the_first_extraction"),
    (NamesALabelTwice, "test_the_labels_are_known_before_the_first_extraction"),
    (FindsNothing, "test_the_examples_are_found"),
    (TakesTheSpaceAlong, "test_the_examples_are_found"),
    (LabelsNothingAsSomething, "test_spans_lie_in_their_text"),
    (RunsBeyondLongTexts, "test_spans_lie_in_their_text"),
    (ScoresInPercent, "test_spans_lie_in_their_text"),
    (CountsBytes, "test_offsets_count_code_points"),
    (CountsUtf16, "test_offsets_count_code_points"),
    (GivesEveryLabel, "test_only_the_labels_asked_for_are_given"),
    (NoLabelMeansAll, "test_only_the_labels_asked_for_are_given"),
    (SortsTheBatch, "test_a_batch_keeps_its_order"),
    (ReadsEachTextOnce, "test_a_batch_keeps_its_order"),
    (AnswersNothingToDo, "test_an_empty_batch_is_empty"),
    (Drifts, "test_the_same_text_gives_the_same_spans"),
    (TurnsTheCallersTexts, "test_the_callers_lists_are_not_changed"),
    (SortsTheCallersLabels, "test_the_callers_lists_are_not_changed"),
    (BlocksTheLoop, "test_the_event_loop_runs_while_a_batch_is_read"),
    (SharesOneSlot, "test_tasks_that_ask_at_once_get_their_own_spans"),
    (StaysBusyWhenCancelled, "test_a_cancelled_call_leaves_the_extractor_usable"),
    (ForgetsWhenClosed, "test_it_may_be_connected_and_closed_again"),
]


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[Extractor], test: str, extractor_test_fails: Any) -> None:
    await extractor_test_fails(test, broken)


@pytest.mark.parametrize("test", sorted(ExtractorSuite.standard_tests))
async def test_a_sound_extractor_passes(test: str, extractor_test_passes: Any) -> None:
    await extractor_test_passes(test, Gazetteer)


def test_every_standard_test_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == ExtractorSuite.standard_tests
