from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from medha_conformance import RemoteEmbedderSuite

from .vendor import KEY, mistral_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medha_conformance.vendor import VendorServer


class TestMistral(RemoteEmbedderSuite):
    embedder_name = "mistral"

    @pytest.fixture
    def vendor(self) -> Iterator[VendorServer]:
        with mistral_server() as server:
            yield server

    @pytest.fixture
    def settings(self, vendor: VendorServer) -> dict[str, Any]:
        return {"base_url": vendor.url, "api_key": KEY, "over_long": "truncate"}
