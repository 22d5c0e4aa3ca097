"""What pytest is told: where servers are found, and that a known failure of a standard test is a strict xfail."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import pytest

from medha_conformance.services import SERVICES, Servers, ServiceAbsentError, unknown_services
from medha_conformance.suite.standard import StandardSuite

FindService: TypeAlias = Callable[[str], str]

_LONG_TOPICS: Final = frozenset({"faults", "concurrency", "machine"})
_MANY: Final = re.compile(r"\d{4}|thousands|long_texts|100_tasks|concurrent")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--require-services`` and ``--suites``."""
    options = parser.getgroup("medha-conformance")
    options.addoption(
        "--require-services",
        default="",
        metavar="NAMES",
        help="comma-separated services whose absence fails a test instead of skipping it",
    )
    options.addoption(
        "--suites",
        choices=("full", "brief"),
        default="full",
        help="brief: leave out the standard tests that take long (faults, concurrency, random calls, thousands of "
        "entries), and what is marked as long",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to require what does not exist: it would never be missed."""
    config.addinivalue_line("markers", "long: a test that --suites=brief leaves out")
    config.addinivalue_line(
        "markers",
        "variant: a class that repeats the standard tests of another one with other settings; without those that take "
        "long, and --suites=brief leaves it out",
    )
    unknown = unknown_services(_required(config))
    if unknown:
        raise pytest.UsageError(
            f"--require-services: no service is called {', '.join(unknown)}; there are {', '.join(sorted(SERVICES))}. "
            "One of your own is made known by register_service() in the first conftest.py"
        )


@pytest.fixture(scope="session")
def find_service(request: pytest.FixtureRequest) -> Iterator[FindService]:
    """The address of a server by the service's name; its absence skips the test, or fails it where it was promised.

    What had to be started is stopped at the end of the session.
    """
    required = _required(request.config)
    with Servers() as servers:

        def find(name: str) -> str:
            try:
                return servers.find(name)
            except ServiceAbsentError as exc:
                if name in required:
                    pytest.fail(f"{exc}, and --require-services names it", pytrace=False)
                pytest.skip(str(exc))

        yield find


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the standard tests that their class declares as known failures."""
    if isinstance(item, pytest.Function) and item.cls is not None and issubclass(item.cls, StandardSuite):
        reason = item.cls.known_failures.get(item.originalname)
        if reason is not None:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ``--suites=brief``, leave out what takes long; of a variant, leave that out always."""
    brief = config.getoption("--suites") == "brief"
    left_out = {item for item in items if (_is_long(item) if brief else _repeats(item))}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def _is_long(item: pytest.Item) -> bool:
    marked = item.get_closest_marker("long") or item.get_closest_marker("variant")
    return marked is not None or _is_long_and_standard(item)


def _repeats(item: pytest.Item) -> bool:
    return item.get_closest_marker("variant") is not None and _is_long_and_standard(item)


def _is_long_and_standard(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function) or item.cls is None or not issubclass(item.cls, StandardSuite):
        return False
    if item.originalname not in item.cls.standard_tests:
        return False
    return takes_long(getattr(item.cls, item.originalname))


def takes_long(test: Callable[..., object]) -> bool:
    """Whether this standard test is none of the brief ones."""
    return test.__module__.rpartition(".")[2] in _LONG_TOPICS or bool(_MANY.search(test.__name__))


def pytest_report_header() -> str:
    """Which version of the suite judged."""
    return f"medha-conformance: {importlib.metadata.version('medha-conformance')}"


def _required(config: pytest.Config) -> set[str]:
    names = str(config.getoption("--require-services")).split(",")
    return {name.strip() for name in names if name.strip()}
