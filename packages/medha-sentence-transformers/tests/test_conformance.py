from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha_conformance import EmbedderSuite

if TYPE_CHECKING:
    from medha_sentence_transformers import SentenceTransformersSettings

pytest.importorskip("torch", reason="sentence-transformers needs PyTorch; run python tools/torch_tests.py")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
class TestSentenceTransformers(EmbedderSuite):
    embedder_name = "sentence-transformers"

    @pytest.fixture
    def settings(self, settings: SentenceTransformersSettings) -> SentenceTransformersSettings:
        return settings


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
class TestWithSides(EmbedderSuite):
    embedder_name = "sentence-transformers"

    @pytest.fixture
    def settings(self, settings: SentenceTransformersSettings) -> SentenceTransformersSettings:
        sides = {"asymmetric": True, "query_prompt": "query: ", "document_prompt": "passage: "}
        return settings.model_copy(update=sides)
