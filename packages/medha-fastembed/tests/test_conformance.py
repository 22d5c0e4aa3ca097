from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha_conformance import EmbedderSuite

if TYPE_CHECKING:
    from medha_fastembed import FastEmbedSettings


class TestFastEmbed(EmbedderSuite):
    embedder_name = "fastembed"

    @pytest.fixture
    def settings(self, settings: FastEmbedSettings) -> FastEmbedSettings:
        return settings


@pytest.mark.long
class TestFastEmbedWithSides(EmbedderSuite):
    embedder_name = "fastembed"

    @pytest.fixture
    def settings(self, settings: FastEmbedSettings) -> FastEmbedSettings:
        sides = {"asymmetric": True, "query_prefix": "query: ", "passage_prefix": "passage: "}
        return settings.model_copy(update=sides)
