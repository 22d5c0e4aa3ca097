"""The built-in guards: small rules that tell different questions apart. A candidate must pass them all."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from medha.descriptors import PLUGIN_API, GuardPlugin, NoSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from medha.guard import Guard

# A candidate is rejected by the first that objects, so the ones that can say most about it come first.
_CLASSES: Final = {
    "dates": "DatesGuard",
    "numbers": "NumbersGuard",
    "quoted": "QuotedGuard",
    "names": "NamesGuard",
    "negation": "NegationGuard",
    "direction": "DirectionGuard",
    "logic": "LogicGuard",
    "aggregation": "AggregationGuard",
    "ordering": "OrderingGuard",
    "asking": "AskingGuard",
    "words": "WordsGuard",
    "roles": "RolesGuard",
    "case": "CaseGuard",
}


def _guard(name: str) -> Guard:
    """The guard, whose module is imported only now."""
    guard: type[Guard] = getattr(import_module(f"{__name__}.{name}"), _CLASSES[name])
    return guard()


def _factory(name: str) -> Callable[[NoSettings], Guard]:
    return lambda _: _guard(name)


GUARD_PLUGINS: Final = tuple(
    GuardPlugin(name=name, factory=_factory(name), api_version=PLUGIN_API) for name in _CLASSES
)
"""How the built-in guards are registered."""


def builtin_guards() -> list[Guard]:
    """One of each built-in guard, in the order in which they are best asked."""
    return [_guard(name) for name in _CLASSES]
