"""The same suite against OpenAI itself, where there is a key: it costs a few cents at most."""

from __future__ import annotations

import os
from typing import Any

import pytest

from medha_conformance import EmbedderSuite

if "OPENAI_API_KEY" not in os.environ:
    pytest.skip("set OPENAI_API_KEY to run the suite against OpenAI itself", allow_module_level=True)


class TestOpenAILive(EmbedderSuite):
    embedder_name = "openai"

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"over_long": "truncate"}
