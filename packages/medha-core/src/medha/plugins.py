"""Plugins by name: only the one asked for is imported, and every failure says what to do."""

from __future__ import annotations

import difflib
import functools
import importlib.metadata
import os
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import pluggy
from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from medha import hookspecs
from medha.descriptors import (
    PLUGIN_API,
    BackendPlugin,
    Descriptor,
    EmbedderPlugin,
    ExtractorPlugin,
    GuardPlugin,
    L1Plugin,
    ListenerPlugin,
    NoSettings,
)
from medha.errors import (
    ConfigurationError,
    DuplicatePluginError,
    MedhaError,
    PluginError,
    PluginLoadError,
    PluginNotFoundError,
    PluginVersionError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

ENTRY_POINT_GROUP: Final = "medha"
CORE: Final = "medha-core"

D = TypeVar("D", BackendPlugin, EmbedderPlugin, L1Plugin, GuardPlugin, ExtractorPlugin, ListenerPlugin)

_KINDS: Final = (BackendPlugin, EmbedderPlugin, L1Plugin, GuardPlugin, ExtractorPlugin)
_LISTENING: Final = frozenset({"medha_lookup_finished", "medha_listener_settings"})


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """One entry point, as ``medha plugins`` shows it: what it offers, or why it does not load."""

    name: str
    distribution: str
    version: str
    offers: tuple[tuple[str, str], ...]
    error: PluginError | None


@dataclass(frozen=True, slots=True)
class _Source:
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


class Plugins:
    """What is installed, loaded on demand; one for the whole process is ``installed_plugins()``."""

    def __init__(self, entry_points: Iterable[importlib.metadata.EntryPoint], builtins: object) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._entry_points: dict[str, list[importlib.metadata.EntryPoint]] = {}
        self._offers: dict[tuple[str, str], tuple[Descriptor, _Source]] = {}
        for entry_point in entry_points:
            known = self._entry_points.setdefault(entry_point.name, [])
            if all(_source(entry_point) != _source(other) for other in known):
                known.append(entry_point)
        self._builtin_source = _Source(CORE, importlib.metadata.version(CORE))
        self._register(builtins, CORE, self._builtin_source)

    def find(self, kind: type[D], name: str) -> D:
        """The plugin of that kind and name, imported now if it was not.

        Raises:
            PluginNotFoundError: nothing of that name is installed, or it is of another kind.
            PluginLoadError: it is installed but does not import or register.
            PluginVersionError: it speaks another plugin API.
            DuplicatePluginError: two distributions offer the name.
        """
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise PluginNotFoundError(f"a plugin name is a str, not {type(name).__name__}: {name!r}")
        if name in self._entry_points:
            self._load(name)
        offer = self._offers.get((kind.kind, name))
        if offer is None:
            raise PluginNotFoundError(self._not_found(kind, name))
        return cast("D", offer[0])

    def names(self, kind: type[D]) -> list[str]:
        """Every loadable plugin name of the kind; this imports every plugin (not its driver)."""
        self.installed()
        return sorted(name for offered, name in self._offers if offered == kind.kind)

    def installed(self) -> list[InstalledPlugin]:
        """Everything installed, each with what it offers or the error that keeps it from loading."""
        found = [
            InstalledPlugin(name, *self._split(self._builtin_source), offers=((kind, name),), error=None)
            for (kind, name), (_, source) in self._offers.items()
            if source == self._builtin_source
        ]
        for name, entry_points in self._entry_points.items():
            error: PluginError | None = None
            try:
                self._load(name)
            except PluginError as exc:
                error = exc
            for entry_point in entry_points:
                source = _source(entry_point)
                offers = tuple(key for key, (_, s) in self._offers.items() if s == source and key[1] == name)
                found.append(InstalledPlugin(name, *self._split(source), offers=offers, error=error))
        return found

    def prefixes(self) -> list[str]:
        """The environment prefixes of the installed plugins, by their names and by the settings of those loaded."""
        named = [f"MEDHA_{name.upper().replace('-', '_')}_" for name in self._entry_points]
        loaded = (env_prefix(offer.settings) for offer, source in self._offers.values() if source.distribution != CORE)
        return [*named, *filter(None, loaded)]

    @staticmethod
    def _split(source: _Source) -> tuple[str, str]:
        return source.distribution, source.version

    def _load(self, name: str) -> None:
        entry_points = self._entry_points[name]
        if len(entry_points) > 1:
            both = " and ".join(str(_source(e)) for e in entry_points)
            raise DuplicatePluginError(f"the plugin name {name!r} is claimed by {both}; uninstall one of them")
        entry_point, source = entry_points[0], _source(entry_points[0])
        try:
            module = entry_point.load()
        except Exception as exc:
            raise PluginLoadError(
                f"{source} failed to load: {exc}. "
                f"Reinstall it with: pip install --force-reinstall {source.distribution}"
            ) from exc
        if not self._manager.is_registered(module):
            self._register(module, name, source)

    def _register(self, module: object, name: str, source: _Source) -> None:
        try:
            self._manager.register(module, name=name)
            self._manager.check_pending()
            offers: list[Descriptor] = [*self._offered_by(module), *self._listener_of(module, name)]
            self._check_all(offers, source)
        except PluginError:
            self._manager.unregister(module)
            raise
        except Exception as exc:
            # registered by then, unless another plugin has the name
            if self._manager.is_registered(module):
                self._manager.unregister(module)
            raise PluginLoadError(f"{source} failed to register its hooks: {exc}") from exc
        self._offers |= {(offer.kind, offer.name): (offer, source) for offer in offers}

    def _offered_by(self, module: object) -> Iterable[Descriptor]:
        others = [p for p in self._manager.get_plugins() if p is not module]
        for caller in self._manager.get_hookcallers(module) or []:
            if caller.name in _LISTENING:
                continue
            subset = self._manager.subset_hook_caller(caller.name, others)
            for offers in cast("list[Sequence[Any]]", subset()):
                for offer in offers:
                    if not isinstance(offer, _KINDS):
                        raise TypeError(f"{caller.name} returned {offer!r:.80}, not a plugin descriptor")
                    yield offer

    def _listener_of(self, module: object, name: str) -> Iterable[ListenerPlugin]:
        """The function itself: no lookup goes through a hook."""
        for hook in self._manager.hook.medha_lookup_finished.get_hookimpls():
            if hook.plugin is module:
                if hook.argnames != ("decision",):
                    raise TypeError("medha_lookup_finished takes one argument, decision")
                others = [plugin for plugin in self._manager.get_plugins() if plugin is not module]
                settings = self._manager.subset_hook_caller("medha_listener_settings", others)() or NoSettings
                factory = functools.partial(_function, hook.function)
                yield ListenerPlugin(name=name, factory=factory, settings=settings, api_version=PLUGIN_API)

    def _check_all(self, offers: Sequence[Descriptor], source: _Source) -> None:
        for offer in offers:
            self._check(offer, source)
        for (_, name), times in Counter((offer.kind, offer.name) for offer in offers).items():
            if times > 1:
                raise ValueError(f"{name!r} is offered {times} times")

    def _check(self, offer: Descriptor, source: _Source) -> None:
        settings: Any = cast("Any", offer.settings)
        if not (isinstance(settings, type) and issubclass(settings, BaseSettings)):
            raise TypeError(
                f"the settings of the {offer.kind} {offer.name!r} must be a class of BaseSettings "
                f"(NoSettings for none), not {settings!r:.80}"
            )
        if not callable(offer.factory):
            raise TypeError(f"the factory of the {offer.kind} {offer.name!r} is not callable: {offer.factory!r:.80}")
        if offer.api_version != PLUGIN_API:
            older = "medha-core" if offer.api_version > PLUGIN_API else source.distribution
            raise PluginVersionError(
                f"{source} ({offer.kind} {offer.name!r}) speaks plugin API {offer.api_version}; "
                f"this {self._builtin_source} speaks {PLUGIN_API}. Try: pip install --upgrade {older}"
            )
        key = (offer.kind, offer.name)
        if key in self._offers:
            raise DuplicatePluginError(
                f"the {offer.kind} {offer.name!r} is offered by {self._offers[key][1]} and by {source}; "
                "uninstall one of them"
            )

    def _not_found(self, kind: type[Any], name: str) -> str:
        names = self.names(kind)
        message = f"no {kind.kind} named {name!r}; installed: {', '.join(names) or 'none'}."
        other = [offered for offered, offer_name in self._offers if offer_name == name]
        close = difflib.get_close_matches(name, names, n=1)
        if other:
            return f"{message} {name!r} is installed as {' and '.join(other)}"
        if name in self._entry_points:
            return f"{message} {_source(self._entry_points[name][0])} has an entry point of that name, but offers none"
        if close:
            return f"{message} Did you mean {close[0]!r}?"
        if re.fullmatch(r"[a-z][a-z0-9-]{1,40}", name):
            return f"{message} Try: pip install medha-{name}"
        return message


def _function(function: Callable[..., object], _: BaseSettings) -> Callable[..., object]:
    return function


def _source(entry_point: importlib.metadata.EntryPoint) -> _Source:
    if entry_point.dist is None:
        return _Source(entry_point.value, "(no distribution)")
    return _Source(entry_point.dist.name, entry_point.dist.version)


@functools.cache
def installed_plugins() -> Plugins:
    """The plugins of this environment, found once for the process."""
    from medha import builtin_plugins

    return Plugins(importlib.metadata.entry_points(group=ENTRY_POINT_GROUP), builtin_plugins)


def env_prefix(settings: type[BaseSettings]) -> str:
    """What the environment variables of these settings begin with; empty when they are not read from any."""
    return settings.model_config.get("env_prefix", "").upper()


def read_settings(settings: type[BaseSettings], **values: Any) -> BaseSettings:
    """An instance of a plugin's settings, from the environment and the given values.

    A text is read as its variable would be: where the setting holds a list or a mapping, as JSON.

    Raises:
        ConfigurationError: names every value that is missing or wrong, and its environment variable; or a variable
            with the plugin's prefix that is none of its settings.
    """
    prefix = env_prefix(settings)
    unknown = _unknown_variables(settings, prefix)
    if unknown:
        raise ConfigurationError(f"{settings.__name__}: {'; '.join(unknown)}")
    try:
        return settings(**{name: _decoded(settings, name, value) for name, value in values.items()})
    except ValidationError as exc:
        raise ConfigurationError(explain_validation(exc, settings.__name__, prefix, settings)) from exc
    except SettingsError as exc:
        raise ConfigurationError(f"{settings.__name__} ({prefix}...): {exc}") from exc


def _decoded(settings: type[BaseSettings], name: str, value: Any) -> Any:
    field = settings.model_fields.get(name)
    if field is None or not isinstance(value, str):
        return value
    try:
        return EnvSettingsSource(settings).prepare_field_value(name, field, value, value_is_complex=False)
    except ValueError as exc:
        raise ConfigurationError(
            f"{settings.__name__}: {name} ({env_prefix(settings)}{name.upper()}): is not valid JSON"
        ) from exc


def _unknown_variables(settings: type[BaseSettings], prefix: str) -> list[str]:
    """One sentence for each variable of the prefix that is no setting, neither here nor under a longer prefix."""
    if not prefix:
        return []
    others = tuple(other for other in installed_plugins().prefixes() if other.startswith(prefix) and other != prefix)
    known = {prefix + field.upper() for field in settings.model_fields}
    sentences: list[str] = []
    for name in map(str.upper, os.environ):
        if name.startswith(prefix) and name not in known and not name.startswith(others):
            # compared without the prefix that all share
            close = difflib.get_close_matches(name[len(prefix) :], [each[len(prefix) :] for each in known], n=1)
            hint = f"did you mean {prefix}{close[0]}?" if close else f"the settings are {', '.join(sorted(known))}"
            sentences.append(f"there is no setting for the environment variable {name}: {hint}")
    return sentences


def explain_validation(exc: ValidationError, what: str, prefix: str, settings: type[BaseSettings] | None = None) -> str:
    """A message that names each wrong setting, its variable and, for a misspelt one, the nearest name."""
    lines: list[str] = []
    names = list(settings.model_fields) if settings is not None else []
    for error in exc.errors(include_url=False, include_input=False, include_context=False):
        name = ".".join(str(part) for part in error["loc"])
        if error["type"] == "extra_forbidden":
            close = difflib.get_close_matches(name, names, n=1)
            hint = f". Did you mean {close[0]!r}?" if close else f"; the settings are {', '.join(sorted(names))}"
            lines.append(f"there is no setting {name!r}{hint}")
        elif error["loc"]:
            lines.append(f"{name} ({prefix}{name.upper()}): {error['msg']}")
        else:
            lines.append(error["msg"])
    return f"{what}: " + "; ".join(lines)


def make(plugin: Descriptor | ListenerPlugin, settings: BaseSettings | None = None) -> Any:
    """What the plugin makes, from its settings (by default those in the environment).

    Raises:
        ConfigurationError: the settings are missing or wrong.
        PluginLoadError: the plugin's driver does not import, or the plugin fails in another way.
    """
    chosen = read_settings(plugin.settings) if settings is None else settings
    try:
        return plugin.factory(chosen)
    except MedhaError:
        raise
    except ImportError as exc:
        raise PluginLoadError(
            f"the {plugin.kind} {plugin.name!r} failed to load: {exc}. Reinstall the distribution that offers it"
        ) from exc
    except Exception as exc:
        raise PluginLoadError(
            f"the {plugin.kind} {plugin.name!r} could not be made: {type(exc).__name__}: {exc}"
        ) from exc
