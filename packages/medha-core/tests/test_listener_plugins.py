"""Listeners that plugins offer by the hook ``medha_lookup_finished``, in real distributions."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from medha import ListenerPlugin, Medha
from medha.errors import ConfigurationError, PluginLoadError
from medha.plugins import Plugins, installed_plugins

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Install, WordsEmbedder

LISTENER = """
    from pydantic_settings import BaseSettings, SettingsConfigDict
    from medha import hookimpl

    heard = []

    class EarSettings(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="MEDHA_EAR_", frozen=True, extra="forbid")
        loudness: int = 1

    @hookimpl
    def medha_listener_settings():
        return EarSettings

    @hookimpl
    def medha_lookup_finished(decision):
        heard.append(decision.hit.strategy)
"""


async def test_the_hook_of_a_plugin_is_taken_when_a_cache_names_it(install: Install, embedder: WordsEmbedder) -> None:
    module = install("ear", LISTENER)
    assert any(("listener", "ear") in plugin.offers for plugin in installed_plugins().installed())
    async with Medha("tests", embedder, listeners=["ear"]) as cache, Medha("tests", embedder) as unheard:
        await cache.search("total sales")
        await unheard.search("total sales")
    assert sys.modules[module].heard == ["no_match"]


async def test_wrong_settings_of_a_listener_are_refused_when_the_cache_starts(
    install: Install, embedder: WordsEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("ear", LISTENER)
    monkeypatch.setenv("MEDHA_EAR_LOUDNESS", "very")
    with pytest.raises(ConfigurationError, match="MEDHA_EAR_LOUDNESS"):
        await Medha("tests", embedder, listeners=["ear"]).start()


def test_a_hook_with_another_argument_is_refused(install: Install, plugins: Callable[[], Plugins]) -> None:
    install("deaf", "from medha import hookimpl\n\n@hookimpl\ndef medha_lookup_finished():\n    pass\n")
    with pytest.raises(PluginLoadError, match="one argument, decision"):
        plugins().find(ListenerPlugin, "deaf")
