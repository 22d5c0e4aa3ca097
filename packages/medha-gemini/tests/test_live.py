"""The same suite against the Gemini API itself, where there is a key: it costs a few cents at most."""

from __future__ import annotations

import os
from typing import Any

import pytest

from medha_conformance import EmbedderSuite

if "GEMINI_API_KEY" not in os.environ:
    pytest.skip("set GEMINI_API_KEY to run the suite against the Gemini API itself", allow_module_level=True)


class TestGeminiLive(EmbedderSuite):
    embedder_name = "gemini"

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"over_long": "truncate"}
