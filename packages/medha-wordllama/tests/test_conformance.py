from __future__ import annotations

import pytest

from medha_conformance import EmbedderSuite
from medha_wordllama import WordLlamaSettings


class TestWordLlama(EmbedderSuite):
    embedder_name = "wordllama"


@pytest.mark.long
class TestWordLlamaInLittle(EmbedderSuite):
    embedder_name = "wordllama"

    @pytest.fixture
    def settings(self) -> WordLlamaSettings:
        return WordLlamaSettings(dimension=64)
