"""The same suite against Cohere itself, where there is a key: it costs a few cents at most."""

from __future__ import annotations

import os
from typing import Any

import pytest

from medha_conformance import EmbedderSuite

if "CO_API_KEY" not in os.environ:
    pytest.skip("set CO_API_KEY to run the suite against Cohere itself", allow_module_level=True)


class TestCohereLive(EmbedderSuite):
    embedder_name = "cohere"

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"over_long": "truncate"}
