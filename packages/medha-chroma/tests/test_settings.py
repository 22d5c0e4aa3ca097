"""The settings, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from medha import FULL, Capability
from medha.errors import ConfigurationError
from medha.plugins import read_settings
from medha_chroma import ChromaBackend, ChromaSettings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"url": "localhost:8000"}, "must be like http://localhost:8000"),
        ({"url": "http://user:hunter2@host:8000"}, "a token goes into token"),
        ({"token": "hunter2 and more"}, "printable ASCII"),
        ({"mode": "path"}, "needs path"),
        ({"mode": "cloud"}, "mode"),
        ({"prefix": "a b"}, "prefix"),
        ({"timeout": 0}, "timeout"),
        ({"tokn": "hunter2"}, "Did you mean 'token'"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_a_reason(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_settings(ChromaSettings, **values)
    assert "hunter2" not in f"{caught.value}{caught.value.__cause__}"


def test_the_token_is_in_no_text_of_the_settings() -> None:
    settings = ChromaSettings(token="hunter2")  # noqa: S106  # pyright: ignore[reportArgumentType] - read from a text
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump()}"
    assert settings.headers == {"Authorization": "Bearer hunter2"}


def test_places_follow_the_mode(tmp_path: Path) -> None:
    assert ChromaSettings().place == "http://localhost:8000"
    assert ChromaSettings(url="https://c.example/chroma/").place == "https://c.example/chroma"
    assert ChromaSettings(mode="path", path=tmp_path).place == str(tmp_path)
    assert ChromaSettings(mode="memory").place == "memory"


def test_capabilities_follow_the_mode(tmp_path: Path) -> None:
    def of(**values: Any) -> dict[Capability, bool]:
        supports = ChromaBackend(ChromaSettings(**values)).capabilities
        return {capability: support == FULL for capability, support in supports.items()}

    assert of()[Capability.SHARED]
    assert of(mode="path", path=tmp_path)[Capability.DURABLE]
    assert not of(mode="path", path=tmp_path)[Capability.SHARED]
    assert not of(mode="memory")[Capability.DURABLE]
