"""What every suite shares: standard tests that nobody can override, weaken or misspell."""

from __future__ import annotations

import difflib
import inspect
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TOO_CLOSE: Final = 0.85
"""A typing slip in a standard name stays well above this ratio; a name of one's own stays below."""


class StandardSuite:
    """The base of the suites; its grandchildren are the classes that authors write.

    An author sets what ``authors_set`` names and may add tests; anything else that the suite defines is not to be
    replaced, whether in the class itself or by a mixin. ``known_failures`` maps the name of a standard
    test to the reason why it fails: it must then fail (a strict xfail).
    """

    authors_set: ClassVar[frozenset[str]] = frozenset(
        {"settings", "service", "vendor", "corrupt", "examples", "known_failures"}
    )
    plugin_name: ClassVar[str]
    """The attribute by which an author's class names its plugin."""
    standard_tests: ClassVar[frozenset[str]] = frozenset()
    known_failures: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if StandardSuite in cls.__bases__:
            cls.authors_set = StandardSuite.authors_set | {cls.plugin_name}
            cls.standard_tests = frozenset(_tests_of(cls))
            for name in cls.standard_tests:
                # marked one by one: an author's own tests stay what they are, in auto and in strict mode
                test = getattr(cls, name)
                # two suites may share a topic
                if not any(mark.name == "asyncio" for mark in getattr(test, "pytestmark", [])):
                    pytest.mark.asyncio(loop_scope="function")(test)
            return
        suite = _suite_of(cls)
        _refuse_overrides(cls, suite)
        _refuse_misspelt(cls, suite.standard_tests)
        _refuse_unknown_failures(cls, suite.standard_tests)
        if cls.__name__.startswith("Test") and not isinstance(getattr(cls, cls.plugin_name, None), str):
            raise TypeError(
                f"{cls.__name__} does not say which plugin it tests; "
                f'add {cls.plugin_name} = "..." with the name under which it is installed'
            )


def _suite_of(cls: type[StandardSuite]) -> type[StandardSuite]:
    """The suite of the kit that an author's class inherits."""
    return next(base for base in cls.__mro__ if StandardSuite in base.__bases__)


def _tests_of(cls: type) -> list[str]:
    return [name for name in dir(cls) if name.startswith("test")]


def _refuse_overrides(cls: type, suite: type[StandardSuite]) -> None:
    for name in dir(suite):
        if name in suite.authors_set or (name.startswith("__") and name.endswith("__")):
            continue
        if inspect.getattr_static(cls, name) is not inspect.getattr_static(suite, name):
            raise TypeError(
                f"{cls.__name__}.{name} overrides {suite.__name__}.{name}, which is standard. "
                "Remove it or rename it; a standard test that fails for a known reason "
                f'belongs in known_failures = {{"{name}": "the reason"}}'
            )


def _refuse_misspelt(cls: type, standard: Iterable[str]) -> None:
    for name in _tests_of(cls):
        if name not in standard:
            close = difflib.get_close_matches(name, standard, n=1, cutoff=_TOO_CLOSE)
            if close:
                raise TypeError(
                    f"{cls.__name__}.{name} reads like the standard test {close[0]}, which cannot be overridden. "
                    "Give a test of your own a name that is clearly its own"
                )


def _refuse_unknown_failures(cls: type[StandardSuite], standard: Iterable[str]) -> None:
    for name, reason in cls.known_failures.items():
        if name not in standard:
            close = difflib.get_close_matches(name, standard, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise TypeError(f"{cls.__name__}.known_failures names {name!r}, which is no standard test.{hint}")
        if not isinstance(reason, str) or not reason.strip():  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{cls.__name__}.known_failures[{name!r}] must say why it fails, not {reason!r}")
