"""What a plugin hands to its hooks: a name, a factory, a settings class, and the plugin API it speaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from pydantic_settings import BaseSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from medha.backend import VectorStorageBackend
    from medha.capabilities import Capability, Support
    from medha.embedder import BaseEmbedder
    from medha.extractor import Extractor
    from medha.guard import Guard, Reviewer
    from medha.l1 import L1CacheBackend
    from medha.models import Decision

PLUGIN_API: Final = 1
"""The version of the plugin API that this core speaks; it changes when a contract breaks."""


class NoSettings(BaseSettings):
    """For plugins that have nothing to set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendPlugin:
    """A backend on offer; ``factory`` gets an instance of ``settings`` and imports the driver only then."""

    kind: ClassVar[str] = "backend"

    name: str
    factory: Callable[[Any], VectorStorageBackend]
    settings: type[BaseSettings]
    capabilities: Mapping[Capability, Support]
    """Of a backend with the default settings."""
    capabilities_with: Callable[[Any], Mapping[Capability, Support]] | None = None
    """Of a backend with these settings, where settings make a difference."""
    api_version: int

    def declared_with(self, settings: BaseSettings) -> Mapping[Capability, Support]:
        """What a backend made with these settings can do, before it is made."""
        return self.capabilities if self.capabilities_with is None else self.capabilities_with(settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderPlugin:
    """An embedder on offer; ``factory`` gets an instance of ``settings`` and imports the model library only then."""

    kind: ClassVar[str] = "embedder"

    name: str
    factory: Callable[[Any], BaseEmbedder]
    settings: type[BaseSettings]
    api_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class L1Plugin:
    """An L1 cache on offer."""

    kind: ClassVar[str] = "L1 cache"

    name: str
    factory: Callable[[Any], L1CacheBackend]
    settings: type[BaseSettings]
    api_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPlugin:
    """A guard on offer, or a reviewer: both come through the same hook, and are asked for by name."""

    kind: ClassVar[str] = "guard"

    name: str
    factory: Callable[[Any], Guard | Reviewer]
    api_version: int
    settings: type[BaseSettings] = field(default=NoSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractorPlugin:
    """An extractor on offer; ``factory`` gets an instance of ``settings`` and imports the model library only then."""

    kind: ClassVar[str] = "extractor"

    name: str
    factory: Callable[[Any], Extractor]
    settings: type[BaseSettings]
    api_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerPlugin:
    """The ``medha_lookup_finished`` of a plugin; core makes the descriptor itself, under the plugin's name."""

    kind: ClassVar[str] = "listener"

    name: str
    factory: Callable[[Any], Callable[[Decision], object]]
    api_version: int
    settings: type[BaseSettings] = field(default=NoSettings)


Descriptor: TypeAlias = BackendPlugin | EmbedderPlugin | L1Plugin | GuardPlugin | ExtractorPlugin | ListenerPlugin
