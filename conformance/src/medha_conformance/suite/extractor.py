"""The suite that an extractor must pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import ClassVar, Final, TypeAlias

import pytest
import pytest_asyncio

from medha import Extractor, ExtractorPlugin, Span
from medha.plugins import installed_plugins
from medha_conformance.suite.loading import AuthorSettings, make_from
from medha_conformance.suite.standard import StandardSuite
from medha_conformance.suite.ticking import while_ticking

MakeExtractor: TypeAlias = Callable[[], Extractor]
Examples: TypeAlias = Sequence[tuple[str, str, str]]
"""Questions, each with a label and the piece of it that the extractor gives that label."""

_HARD_TEXTS: Final = (
    "",
    "x",
    "?",
    "東京の顧客は何人ですか。",
    "👩‍👩‍👧‍👦 🎸 🇪🇺",
    "Zoe\u0308 \U0010ffff \ufeff",
    "  spaces, \t tabs \r\n and lines  ",
    "'; DROP TABLE customers; --",
    "word " * 2_000,
    "x" * 10_000,
)
_BEFORE: Final = "👩‍👩‍👧‍👦 🎸: "
"""Fewer code points than UTF-16 units or bytes of UTF-8, so that offsets counted in those miss the piece."""
_BATCHES: Final = (50, 1000, 20_000)
_TICKS: Final = 10
"""More turns of the event loop than a call takes that blocks it and suspends only to begin and to end."""


class ExtractorTests:
    """The standard tests of ``ExtractorSuite``."""

    extractor_name: ClassVar[str]

    @pytest.fixture
    def settings(self) -> AuthorSettings:
        """The extractor's settings; an author's class returns its own."""
        return {}

    @pytest.fixture
    def examples(self) -> Examples:
        """What the extractor is known to find; an author's class returns at least two, of different texts."""
        raise NotImplementedError(
            "a class that inherits ExtractorSuite needs a fixture `examples`: (question, label, value) as its "
            "extractor finds them"
        )

    @pytest.fixture
    def make_extractor(self, settings: AuthorSettings) -> MakeExtractor:
        """Makes one more extractor, not connected, through its entry point."""
        plugin = installed_plugins().find(ExtractorPlugin, self.extractor_name)
        return lambda: make_from(plugin, settings)

    @pytest_asyncio.fixture(loop_scope="function")
    async def extractor(self, make_extractor: MakeExtractor) -> AsyncIterator[Extractor]:
        """The extractor, connected."""
        extractor = make_extractor()
        await extractor.connect()
        yield extractor
        await extractor.close()

    async def test_the_labels_are_known_before_the_first_extraction(
        self, extractor: Extractor, examples: Examples
    ) -> None:
        known = extractor.labels
        if known is not None:
            assert not isinstance(known, str), "labels are a sequence of texts"
            assert len(set(known)) == len(known), "a label is named twice"
            assert all(isinstance(label, str) and label for label in known)
            assert {label for _, label, _ in examples} <= set(known)
        await _extract(extractor, examples)
        assert extractor.labels == known, "they never change"

    async def test_the_examples_are_found(self, extractor: Extractor, examples: Examples) -> None:
        assert len({text for text, _, _ in examples}) > 1, "two different questions at least"
        for text, label, value in examples:
            assert value in await _values(extractor, text, label)

    async def test_spans_lie_in_their_text(self, extractor: Extractor, examples: Examples) -> None:
        labels = _labels(examples)
        texts = [*(text for text, _, _ in examples), *_HARD_TEXTS]
        singly = [(await extractor.aextract_batch([text], labels))[0] for text in texts]
        together = await extractor.aextract_batch(texts, labels)
        assert len(together) == len(texts)
        for spans in (singly, together):
            for text, found in zip(texts, spans, strict=True):
                _sound(text, labels, found)

    async def test_offsets_count_code_points(self, extractor: Extractor, examples: Examples) -> None:
        for text, label, value in examples:
            assert value in await _values(extractor, _BEFORE + text, label)

    async def test_only_the_labels_asked_for_are_given(self, extractor: Extractor, examples: Examples) -> None:
        labels = _labels(examples)
        for text, _, _ in examples:
            for label in labels:
                _sound(text, [label], (await extractor.aextract_batch([text], [label]))[0])
            assert list((await extractor.aextract_batch([text], []))[0]) == []

    async def test_a_batch_keeps_its_order(self, extractor: Extractor, examples: Examples) -> None:
        labels = _labels(examples)
        singly = [(await _extract(extractor, [example], labels))[0] for example in examples]
        assert await _extract(extractor, examples) == singly, "a batch differs from its texts one by one"
        assert await _extract(extractor, examples[::-1]) == singly[::-1], "the batch in reverse"
        assert await _extract(extractor, [examples[0], *examples]) == [singly[0], *singly], "a text that comes twice"

    async def test_an_empty_batch_is_empty(self, extractor: Extractor, examples: Examples) -> None:
        assert len(await extractor.aextract_batch([], _labels(examples))) == 0

    async def test_the_same_text_gives_the_same_spans(
        self, make_extractor: MakeExtractor, extractor: Extractor, examples: Examples
    ) -> None:
        first = await _extract(extractor, examples)
        assert await _extract(extractor, examples) == first, "the second time"
        other = make_extractor()
        await other.connect()
        try:
            assert await _extract(other, examples) == first, "another extractor with the same settings"
        finally:
            await other.close()

    async def test_the_callers_lists_are_not_changed(self, extractor: Extractor, examples: Examples) -> None:
        texts, labels = [text for text, _, _ in examples], _labels(examples)[::-1]
        before = list(texts), list(labels)
        await extractor.aextract_batch(texts, labels)
        assert (texts, labels) == before

    async def test_the_event_loop_runs_while_a_batch_is_read(self, extractor: Extractor, examples: Examples) -> None:
        await _extract(extractor, examples)
        most = 0
        for count in _BATCHES:
            call = _extract(extractor, [examples[n % len(examples)] for n in range(count)])
            most = max(most, (await while_ticking(call))[1])
            if most > _TICKS:
                return
        pytest.fail(f"the event loop turned {most} times during a batch; work over a millisecond leaves the loop")

    async def test_tasks_that_ask_at_once_get_their_own_spans(self, extractor: Extractor, examples: Examples) -> None:
        many = [examples[n % len(examples)] for n in range(20)]
        expected = [(await _extract(extractor, [example]))[0] for example in many]
        found = await asyncio.gather(*(_extract(extractor, [example]) for example in many))
        assert [spans[0] for spans in found] == expected, "spans of concurrent calls were mixed up"

    async def test_a_cancelled_call_leaves_the_extractor_usable(self, extractor: Extractor, examples: Examples) -> None:
        expected = await _extract(extractor, examples)
        async with asyncio.timeout(60):
            for steps in range(8):
                task = asyncio.create_task(_extract(extractor, [*examples] * 10))
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                assert await _extract(extractor, examples) == expected, f"after a call cancelled after {steps} steps"

    async def test_it_may_be_connected_and_closed_again(
        self, make_extractor: MakeExtractor, examples: Examples
    ) -> None:
        extractor = make_extractor()
        await extractor.close()
        found: list[list[list[Span]]] = []
        for _ in range(2):
            await asyncio.gather(*(extractor.connect() for _ in range(5)))
            found.append(await _extract(extractor, examples))
            await extractor.close()
            await extractor.close()
        assert found[0] == found[1]


class ExtractorSuite(ExtractorTests, StandardSuite):
    """Every clause of ``Extractor``, tested on the installed plugin that ``extractor_name`` names.

    A subclass sets ``extractor_name``, returns from an ``examples`` fixture what the extractor finds, and from a
    ``settings`` fixture its settings.
    """

    plugin_name: ClassVar[str] = "extractor_name"


def _labels(examples: Examples) -> list[str]:
    return sorted({label for _, label, _ in examples})


async def _extract(extractor: Extractor, examples: Examples, labels: Sequence[str] | None = None) -> list[list[Span]]:
    """The spans of the examples' texts; by default of their own labels, which may compete with each other."""
    found = await extractor.aextract_batch([text for text, _, _ in examples], labels or _labels(examples))
    assert len(found) == len(examples), "one list of spans per text"
    return [list(spans) for spans in found]


async def _values(extractor: Extractor, text: str, label: str) -> list[str]:
    spans = (await extractor.aextract_batch([text], [label]))[0]
    return [text[span.start : span.end] for span in spans if span.label == label]


def _sound(text: str, labels: Sequence[str], spans: Sequence[Span]) -> None:
    for span in spans:
        assert isinstance(span, Span)
        assert 0 <= span.start < span.end <= len(text), "a span lies in its text and is not empty"
        assert span.label in labels, "a label that was not asked for"
        assert 0 <= span.confidence <= 1
