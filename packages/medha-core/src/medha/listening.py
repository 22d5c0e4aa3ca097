"""Those who are told of every lookup."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any, TypeAlias

from medha.errors import ConfigurationError, ListenerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from medha.models import Decision
    from medha.stats import StatsRecorder

    Listener: TypeAlias = Callable[[Decision], object]

_log = logging.getLogger(__name__)


class Listeners:
    """Functions of a decision, called one after the other in the task that looked up; false when there are none."""

    def __init__(self, listeners: Iterable[Listener], stats: StatsRecorder) -> None:
        self._listeners = tuple(_checked(listener) for listener in listeners)
        self._stats = stats
        self._logged = set[int]()

    def __bool__(self) -> bool:
        return bool(self._listeners)

    def tell(self, decision: Decision) -> None:
        """Tell each; one that raises is counted, logged the first time, and breaks nothing."""
        for number, listener in enumerate(self._listeners):
            try:
                listener(decision)
            except Exception as exc:  # noqa: BLE001 - whatever it raises, the lookup has its answer
                self._failed(number, listener, exc)

    def _failed(self, number: int, listener: Listener, exc: Exception) -> None:
        fault = ListenerError(f"the listener {_name(listener)} failed: {type(exc).__name__}")
        fault.__cause__ = exc
        self._stats.error(fault)
        # what it says may hold the question
        if number not in self._logged:
            self._logged.add(number)
            _log.error("%s; its further failures are counted in the statistics and not logged", fault)
        _log.debug("how the listener %s failed", _name(listener), exc_info=exc)


def _checked(listener: Any) -> Listener:
    if not callable(listener):
        raise ConfigurationError(
            f"a listener is a function of a Decision, or the name of a plugin that has one, not {listener!r:.80}"
        )
    if inspect.iscoroutinefunction(listener) or inspect.iscoroutinefunction(getattr(listener, "__call__", None)):  # noqa: B004
        raise ConfigurationError(
            f"the listener {_name(listener)} is async, but a lookup does not wait for its listeners: let it put the "
            "decision into a queue"
        )
    return listener


def _name(listener: Any) -> str:
    return getattr(listener, "__qualname__", type(listener).__qualname__)
