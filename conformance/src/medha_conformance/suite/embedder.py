"""The suite that an embedder must pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

import numpy as np
import pytest
import pytest_asyncio

from medha import BaseEmbedder, EmbedderPlugin
from medha.plugins import installed_plugins
from medha_conformance.suite.loading import AuthorSettings, make_from
from medha_conformance.suite.standard import StandardSuite
from medha_conformance.suite.ticking import while_ticking

if TYPE_CHECKING:
    from medha.models import Vectors

MakeEmbedder: TypeAlias = Callable[[], BaseEmbedder]

_QUESTIONS: Final = (
    "How many customers are there in Paris?",
    "Which ten tracks sold best in 2024?",
    "Revenue per month, by country",
    "List every album without a cover",
    "Who is the manager of the sales team?",
)
_HARD_TEXTS: Final = (
    "x",
    "?",
    "7",
    "كم عدد العملاء في القاهرة؟",
    "東京の顧客は何人ですか。",
    "👩‍👩‍👧‍👦 🎸 🇪🇺",
    "Zoe\u0308 \U0010ffff \ufeff",
    "  spaces, \t tabs \r\n and lines  ",
    "'; DROP TABLE customers; --",
    "word " * 20_000,
    "x" * 100_000,
)
_BATCHES: Final = (50, 1000, 20_000)
"""A model of any speed is at work for some milliseconds in one of these; a slow one already in the first."""
_TICKS: Final = 10
"""More turns than a call takes that blocks the event loop and suspends only to begin and to end."""
_SAME: Final = 0.9999
"""The cosine from which two vectors are of one text; padding and batching cost a little."""


class EmbedderTests:
    """The standard tests of ``EmbedderSuite``."""

    embedder_name: ClassVar[str]

    @pytest.fixture
    def settings(self) -> AuthorSettings:
        """The embedder's settings; an author's class returns its own."""
        return {}

    @pytest.fixture
    def make_embedder(self, settings: AuthorSettings) -> MakeEmbedder:
        """Makes one more embedder, not connected, through its entry point."""
        plugin = installed_plugins().find(EmbedderPlugin, self.embedder_name)
        return lambda: make_from(plugin, settings)

    @pytest_asyncio.fixture(loop_scope="function")
    async def embedder(self, make_embedder: MakeEmbedder) -> AsyncIterator[BaseEmbedder]:
        """The embedder, connected."""
        embedder = make_embedder()
        await embedder.connect()
        yield embedder
        await embedder.close()

    async def test_dimension_and_model_are_known_before_the_first_embedding(self, embedder: BaseEmbedder) -> None:
        dimension, model_name = embedder.dimension, embedder.model_name
        assert isinstance(dimension, int)
        assert dimension > 0
        assert isinstance(model_name, str)
        assert model_name.strip(), "a model has a name"
        vectors = await _embed(embedder, _QUESTIONS[:1])
        assert vectors.shape == (1, dimension), "the dimension was known before, and it was right"
        assert (embedder.dimension, embedder.model_name) == (dimension, model_name), "they never change"

    async def test_a_batch_gives_one_finite_vector_per_text(self, embedder: BaseEmbedder) -> None:
        for count in (1, 2, len(_QUESTIONS)):
            _usable(await _embed(embedder, _QUESTIONS[:count]), count, embedder)

    async def test_a_batch_keeps_its_order(self, embedder: BaseEmbedder) -> None:
        singly = np.vstack([await _embed(embedder, [text]) for text in _QUESTIONS])
        _same(await _embed(embedder, _QUESTIONS), singly, "a batch differs from its texts one by one")
        _same(await _embed(embedder, _QUESTIONS[::-1]), singly[::-1], "the batch in reverse")

    async def test_a_batch_of_unequal_lengths_keeps_its_order(self, embedder: BaseEmbedder) -> None:
        texts = [question * (1 + 5 * (n % 3)) for n, question in enumerate(_QUESTIONS)]
        singly = np.vstack([await _embed(embedder, [text]) for text in texts])
        _same(await _embed(embedder, texts), singly, "sorting by length must be undone")

    async def test_a_text_that_comes_twice_gets_two_equal_vectors(self, embedder: BaseEmbedder) -> None:
        first, other, again = await _embed(embedder, [_QUESTIONS[0], _QUESTIONS[1], _QUESTIONS[0]])
        _same(first[None], again[None], "the same text twice in a batch")
        assert _cosines(first[None], other[None])[0] < _SAME

    async def test_different_texts_get_different_vectors(self, embedder: BaseEmbedder) -> None:
        vectors = _unit(await _embed(embedder, _QUESTIONS))
        closeness = vectors @ vectors.T - np.eye(len(vectors))
        assert closeness.max() < _SAME, "two different questions have the same vector"

    async def test_an_empty_batch_is_empty(self, embedder: BaseEmbedder) -> None:
        assert len(await embedder.aembed_batch([])) == 0
        assert len(await embedder.aembed_batch([], is_document=True)) == 0

    async def test_any_text_gets_a_usable_vector(self, embedder: BaseEmbedder) -> None:
        for text in _HARD_TEXTS:
            _usable(await _embed(embedder, [text]), 1, embedder)
        _usable(await _embed(embedder, _HARD_TEXTS), len(_HARD_TEXTS), embedder)

    async def test_the_same_text_gets_the_same_vector(
        self, make_embedder: MakeEmbedder, embedder: BaseEmbedder
    ) -> None:
        first = await _embed(embedder, _QUESTIONS)
        _same(await _embed(embedder, _QUESTIONS), first, "the second time")
        other = make_embedder()
        await other.connect()
        try:
            assert other.model_name == embedder.model_name
            _same(await _embed(other, _QUESTIONS), first, "another embedder with the same settings")
        finally:
            await other.close()

    async def test_one_question_is_embedded_as_a_question(self, embedder: BaseEmbedder) -> None:
        for text in _QUESTIONS:
            single = np.asarray(await embedder.aembed(text), dtype=np.float32)
            assert single.shape == (embedder.dimension,)
            _same(single[None], await _embed(embedder, [text]), "aembed differs from aembed_batch")

    async def test_only_an_asymmetric_model_embeds_documents_otherwise(self, embedder: BaseEmbedder) -> None:
        asked = await _embed(embedder, _QUESTIONS)
        stored = np.asarray(await embedder.aembed_batch(_QUESTIONS, is_document=True), dtype=np.float32)
        _usable(stored, len(_QUESTIONS), embedder)
        differ = bool((_cosines(asked, stored) < _SAME).any())
        assert differ is embedder.asymmetric, f"asymmetric is {embedder.asymmetric}; documents differ: {differ}"

    async def test_the_callers_texts_are_not_changed(self, embedder: BaseEmbedder) -> None:
        texts = list(_QUESTIONS)
        await embedder.aembed_batch(texts)
        assert texts == list(_QUESTIONS)

    async def test_the_event_loop_runs_while_a_batch_is_embedded(self, embedder: BaseEmbedder) -> None:
        await _embed(embedder, _QUESTIONS)
        most = 0
        for count in _BATCHES:
            texts = [f"{_QUESTIONS[n % len(_QUESTIONS)]} And in year {n}?" for n in range(count)]
            vectors, ticks = await while_ticking(_embed(embedder, texts))
            _usable(vectors, count, embedder)
            most = max(most, ticks)
            if most > _TICKS:
                return
        pytest.fail(f"the event loop turned {most} times during a batch; work over a millisecond leaves the loop")

    async def test_tasks_that_embed_at_once_get_their_own_vectors(self, embedder: BaseEmbedder) -> None:
        texts = [f"How many orders in {year}?" for year in range(1990, 2010)]
        expected = await _embed(embedder, texts)
        found = await asyncio.gather(*(_embed(embedder, [text]) for text in texts))
        _same(np.vstack(found), expected, "vectors of concurrent calls were mixed up")

    async def test_a_cancelled_call_leaves_the_embedder_usable(self, embedder: BaseEmbedder) -> None:
        expected = await _embed(embedder, _QUESTIONS)
        async with asyncio.timeout(60):
            for steps in range(8):
                task = asyncio.create_task(_embed(embedder, _QUESTIONS * 20))
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                _same(await _embed(embedder, _QUESTIONS), expected, f"after a call cancelled after {steps} steps")

    async def test_it_may_be_connected_and_closed_again(self, make_embedder: MakeEmbedder) -> None:
        embedder = make_embedder()
        await embedder.close()
        known: list[tuple[int, str]] = []
        for _ in range(2):
            await asyncio.gather(*(embedder.connect() for _ in range(5)))
            known.append((embedder.dimension, embedder.model_name))
            _usable(await _embed(embedder, _QUESTIONS), len(_QUESTIONS), embedder)
            await embedder.close()
            await embedder.close()
        assert known[0] == known[1]


class EmbedderSuite(EmbedderTests, StandardSuite):
    """Every clause of ``BaseEmbedder``, tested on the installed plugin that ``embedder_name`` names.

    A subclass sets ``embedder_name`` and, where the plugin has settings, returns them from a ``settings`` fixture.
    """

    plugin_name: ClassVar[str] = "embedder_name"


async def _embed(embedder: BaseEmbedder, texts: Sequence[str]) -> Vectors:
    return np.asarray(await embedder.aembed_batch(texts), dtype=np.float32)


def _usable(vectors: Vectors, count: int, embedder: BaseEmbedder) -> None:
    assert vectors.shape == (count, embedder.dimension)
    assert np.isfinite(vectors).all(), "NaN or infinity in a vector"
    assert (np.linalg.norm(vectors, axis=1) > 0).all(), "a vector of length zero has no direction"


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _cosines(found: Vectors, expected: Vectors) -> Vectors:
    return (_unit(found) * _unit(expected)).sum(axis=1)


def _same(found: Vectors, expected: Vectors, what: str) -> None:
    assert found.shape == expected.shape, what
    assert _cosines(found, expected).min() >= _SAME, what
