"""An object of the plugin under test, from what its author's fixture returned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic_settings import BaseSettings

from medha.plugins import make, read_settings

if TYPE_CHECKING:
    from medha import BackendPlugin, EmbedderPlugin, ExtractorPlugin, GuardPlugin, L1Plugin

    Plugin: TypeAlias = BackendPlugin | EmbedderPlugin | ExtractorPlugin | L1Plugin | GuardPlugin

AuthorSettings: TypeAlias = BaseSettings | Mapping[str, Any]
"""What an author's ``settings`` fixture may return: the plugin's settings, or values for them."""


def make_from(plugin: Plugin, settings: AuthorSettings) -> Any:
    """A new object of the plugin; a mapping is completed from the plugin's environment variables."""
    return make(plugin, settings_for(plugin, settings))


def settings_for(plugin: Plugin, settings: AuthorSettings) -> BaseSettings:
    """The plugin's settings, whichever way its author wrote them."""
    if isinstance(settings, Mapping):
        return read_settings(plugin.settings, **settings)
    if not isinstance(settings, plugin.settings):
        raise TypeError(
            f"the settings fixture for the {plugin.kind} {plugin.name!r} must return {plugin.settings.__name__} "
            f"or a dict of its values, not {type(settings).__name__}"
        )
    return settings


def as_values(plugin: BackendPlugin, settings: AuthorSettings) -> dict[str, Any]:
    """The settings as the values that they were made from; a secret is among them as it is."""
    if isinstance(settings, Mapping):
        return dict(settings)
    return {name: getattr(settings, name) for name in plugin.settings.model_fields if name in settings.model_fields_set}
