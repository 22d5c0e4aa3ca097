"""The pluggy hooks: how a plugin says what it offers. No lookup ever passes through a hook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.descriptors import BackendPlugin, EmbedderPlugin, ExtractorPlugin, GuardPlugin, L1Plugin

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
