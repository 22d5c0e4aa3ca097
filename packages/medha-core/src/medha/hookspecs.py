"""The pluggy hooks: how a plugin says what it offers. No lookup ever passes through a hook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_settings import BaseSettings

    from medha.descriptors import BackendPlugin, EmbedderPlugin, ExtractorPlugin, GuardPlugin, L1Plugin
    from medha.models import Decision

PROJECT = "medha"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def medha_register_backends() -> Sequence[BackendPlugin]:  # pyright: ignore[reportReturnType]
    """The backends that this plugin offers."""


@hookspec
def medha_register_embedders() -> Sequence[EmbedderPlugin]:  # pyright: ignore[reportReturnType]
    """The embedders that this plugin offers."""


@hookspec
def medha_register_l1_caches() -> Sequence[L1Plugin]:  # pyright: ignore[reportReturnType]
    """The L1 caches that this plugin offers."""


@hookspec
def medha_register_guards() -> Sequence[GuardPlugin]:  # pyright: ignore[reportReturnType]
    """The guards and reviewers that this plugin offers."""


@hookspec
def medha_register_extractors() -> Sequence[ExtractorPlugin]:  # pyright: ignore[reportReturnType]
    """The extractors that this plugin offers."""


@hookspec
def medha_lookup_finished(decision: Decision) -> None:
    """Told of every lookup of a cache whose ``listeners`` name this plugin.

    Core takes the function itself when such a cache starts, and calls it directly, on the event loop and in the task
    that looked up: it must be fast and must not be async. What it raises is counted, and breaks no lookup.
    """


@hookspec(firstresult=True)
def medha_listener_settings() -> type[BaseSettings]:  # pyright: ignore[reportReturnType]
    """The settings of this plugin's ``medha_lookup_finished``: read when a cache starts, so that faults show then."""
