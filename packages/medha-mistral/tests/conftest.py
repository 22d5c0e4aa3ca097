from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .vendor import mistral_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medha_conformance.vendor import VendorServer


@pytest.fixture
def vendor() -> Iterator[VendorServer]:
    with mistral_server() as server:
        yield server
