"""An embedder that passes, embedders that break one clause each, and the standard test that catches each."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from medha import BaseEmbedder
from medha_conformance import EmbedderSuite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.models import Vectors

_DIMENSION = 16


class Hashes(BaseEmbedder):
    """The sound one: a vector drawn from the hash of the text, made in a thread."""

    @property
    def dimension(self) -> int:
        return _DIMENSION

    @property
    def model_name(self) -> str:
        return "hashes"

    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Any:
        return await asyncio.to_thread(self.vectors, list(texts))

    def vectors(self, texts: Sequence[str]) -> Vectors:
        return np.array([self.vector(text) for text in texts], dtype=np.float32).reshape(-1, _DIMENSION)

    def vector(self, text: str) -> Vectors:
        digest = hashlib.sha256(text.encode()).digest()
        return np.frombuffer(digest[:_DIMENSION], dtype=np.uint8).astype(np.float32) - 127.5


class LearnsItsDimension(Hashes):
    known = 1

    @property
    def dimension(self) -> int:
        return self.known

    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Any:
        self.known = _DIMENSION
        return await super().aembed_batch(texts)


class NamelessUntilUsed(LearnsItsDimension):
    @property
    def dimension(self) -> int:
        return _DIMENSION

    @property
    def model_name(self) -> str:
        return "hashes" if self.known == _DIMENSION else ""


class OneVectorPerBatch(Hashes):
    def vectors(self, texts: Sequence[str]) -> Vectors:
        return super().vectors(texts)[:1]


class SortsTheBatch(Hashes):
    def vectors(self, texts: Sequence[str]) -> Vectors:
        return super().vectors(sorted(texts))


class SortsByLength(Hashes):
    def vectors(self, texts: Sequence[str]) -> Vectors:
        return super().vectors(sorted(texts, key=lambda text: len(text) // 100))


class EmbedsEachTextOnce(Hashes):
    def vectors(self, texts: Sequence[str]) -> Vectors:
        distinct = list(dict.fromkeys(texts))
        return super().vectors([*distinct, *["padding"] * (len(texts) - len(distinct))])


class OneDirectionForAll(Hashes):
    def vector(self, text: str) -> Vectors:
        return super().vector("anything")


class RefusesNothingToDo(Hashes):
    def vectors(self, texts: Sequence[str]) -> Vectors:
        return super().vectors(texts or ["nothing"])


class NothingForShortTexts(Hashes):
    def vector(self, text: str) -> Vectors:
        return super().vector(text) * (len(text) > 1)


class NotANumberForLongTexts(Hashes):
    def vector(self, text: str) -> Vectors:
        return super().vector(text) * (np.nan if len(text) > 50_000 else 1.0)


class Drifts(Hashes):
    calls = 0

    def vectors(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        return super().vectors([f"{text}{self.calls // 2}" for text in texts])


class SaltsByInstance(Hashes):
    def vector(self, text: str) -> Vectors:
        return super().vector(f"{id(self)}{text}")


class SingleOtherwise(Hashes):
    async def aembed(self, text: str) -> Any:
        return self.vector(f"query: {text}")


class DocumentsOtherwiseUndeclared(Hashes):
    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Any:
        return await super().aembed_batch([f"passage: {text}" for text in texts] if is_document else texts)


class DeclaresAsymmetryInVain(Hashes):
    asymmetric = True


class TurnsTheCallersTexts(Hashes):
    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Any:
        if isinstance(texts, list):
            texts.reverse()
        return await super().aembed_batch(texts)


class BlocksTheLoop(Hashes):
    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Any:
        await asyncio.sleep(0)
        return self.vectors(texts)


class SharesOneSlot(Hashes):
    texts: Sequence[str] = ()

    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Any:
        self.texts = texts
        await asyncio.sleep(0)
        return await super().aembed_batch(self.texts)


class StaysBusyWhenCancelled(Hashes):
    busy = False

    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Any:
        chosen = ["busy"] * len(texts) if self.busy else texts
        self.busy = True
        await asyncio.sleep(0)
        self.busy = False
        return await super().aembed_batch(chosen)


class AnotherModelEachTime(Hashes):
    connected = 0

    async def connect(self) -> None:
        self.connected += 1

    @property
    def model_name(self) -> str:
        return f"hashes-{self.connected}"


PLANTED: list[tuple[type[BaseEmbedder], str]] = [
    (LearnsItsDimension, "test_dimension_and_model_are_known_before_the_first_embedding"),
    (NamelessUntilUsed, "test_dimension_and_model_are_known_before_the_first_embedding"),
    (OneVectorPerBatch, "test_a_batch_gives_one_finite_vector_per_text"),
    (SortsTheBatch, "test_a_batch_keeps_its_order"),
    (SortsByLength, "test_a_batch_of_unequal_lengths_keeps_its_order"),
    (EmbedsEachTextOnce, "test_a_text_that_comes_twice_gets_two_equal_vectors"),
    (OneDirectionForAll, "test_different_texts_get_different_vectors"),
    (RefusesNothingToDo, "test_an_empty_batch_is_empty"),
    (NothingForShortTexts, "test_any_text_gets_a_usable_vector"),
    (NotANumberForLongTexts, "test_any_text_gets_a_usable_vector"),
    (Drifts, "test_the_same_text_gets_the_same_vector"),
    (SaltsByInstance, "test_the_same_text_gets_the_same_vector"),
    (SingleOtherwise, "test_one_question_is_embedded_as_a_question"),
    (DocumentsOtherwiseUndeclared, "test_only_an_asymmetric_model_embeds_documents_otherwise"),
    (DeclaresAsymmetryInVain, "test_only_an_asymmetric_model_embeds_documents_otherwise"),
    (TurnsTheCallersTexts, "test_the_callers_texts_are_not_changed"),
    (BlocksTheLoop, "test_the_event_loop_runs_while_a_batch_is_embedded"),
    (SharesOneSlot, "test_tasks_that_embed_at_once_get_their_own_vectors"),
    (StaysBusyWhenCancelled, "test_a_cancelled_call_leaves_the_embedder_usable"),
    (AnotherModelEachTime, "test_it_may_be_connected_and_closed_again"),
]


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[BaseEmbedder], test: str, embedder_test_fails: Any) -> None:
    await embedder_test_fails(test, broken)


@pytest.mark.parametrize("test", sorted(EmbedderSuite.standard_tests))
async def test_a_sound_embedder_passes(test: str, embedder_test_passes: Any) -> None:
    await embedder_test_passes(test, Hashes)


def test_every_standard_test_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == EmbedderSuite.standard_tests
