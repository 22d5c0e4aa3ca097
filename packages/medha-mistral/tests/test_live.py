"""The same suite against Mistral itself, where there is a key: it costs a few cents at most."""

from __future__ import annotations

import os
from typing import Any

import pytest

from medha_conformance import EmbedderSuite

if "MISTRAL_API_KEY" not in os.environ:
    pytest.skip("set MISTRAL_API_KEY to run the suite against Mistral itself", allow_module_level=True)


class TestMistralLive(EmbedderSuite):
    embedder_name = "mistral"

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"over_long": "truncate"}
