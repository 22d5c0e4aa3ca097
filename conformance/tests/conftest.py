"""How the kit is tested: a standard test is run by itself on a plugin that is broken on purpose."""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from medha.errors import MedhaError
from medha_conformance import BackendSuite, EmbedderSuite, ExtractorSuite, GuardSuite, L1Suite, ReviewerSuite
from medha_conformance.suite.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from medha import BaseEmbedder, Extractor, Guard, L1CacheBackend, Reviewer, VectorStorageBackend

FAILED = (AssertionError, pytest.fail.Exception)
"""What a standard test raises that found something wrong; anything else is an accident."""


class NotCaughtError(Exception):
    """A standard test that neither passed nor failed."""


async def _run(suite: Any, test: str, values: Mapping[str, object]) -> None:
    method = getattr(suite, test)
    try:
        await method(**{name: values[name] for name in inspect.signature(method).parameters})
    except pytest.skip.Exception as exc:
        raise NotCaughtError(f"{test} skipped itself: {exc}") from exc


async def run_backend_test(test: str, make_backend: Callable[[], VectorStorageBackend]) -> None:
    lab = Lab(make_backend)
    await lab.backend.connect()
    try:
        values = {
            "lab": lab,
            "backend": lab.backend,
            "make_backend": make_backend,
            "collection": await lab.open(),
            "offered": lab.backend.capabilities,
        }
        await _run(BackendSuite(), test, values)
    finally:
        # what a broken backend does when it is put away is not the question here
        with contextlib.suppress(MedhaError):
            await lab.__aexit__(None, None, None)


async def run_embedder_test(test: str, make_embedder: Callable[[], BaseEmbedder]) -> None:
    embedder = make_embedder()
    await embedder.connect()
    await _run(EmbedderSuite(), test, {"embedder": embedder, "make_embedder": make_embedder})


async def run_extractor_test(test: str, make_extractor: Callable[[], Extractor]) -> None:
    extractor = make_extractor()
    await extractor.connect()
    examples = getattr(make_extractor, "examples", ())
    await _run(ExtractorSuite(), test, {"extractor": extractor, "make_extractor": make_extractor, "examples": examples})


async def run_l1_test(test: str, make_l1: Callable[[], L1CacheBackend]) -> None:
    l1 = make_l1()
    await l1.connect()
    await _run(L1Suite(), test, {"l1": l1, "make_l1": make_l1, "collection": "kit"})


async def run_guard_test(test: str, make_guard: Callable[[], Guard]) -> None:
    await _run(GuardSuite(), test, {"guard": make_guard(), "make_guard": make_guard})


async def run_reviewer_test(test: str, make_reviewer: Callable[[], Reviewer]) -> None:
    reviewer = make_reviewer()
    await reviewer.connect()
    await _run(ReviewerSuite(), test, {"reviewer": reviewer, "make_reviewer": make_reviewer})


def _caught(run: Callable[[str, Any], Awaitable[None]]) -> Callable[[str, Any], Awaitable[None]]:
    async def fails(test: str, make_broken: Any) -> None:
        with pytest.raises(FAILED):
            await run(test, make_broken)

    return fails


@pytest.fixture
def passes() -> Callable[[str, Callable[[], VectorStorageBackend]], Awaitable[None]]:
    """Runs a standard test of ``BackendSuite`` on a backend."""
    return run_backend_test


@pytest.fixture
def backend_test_fails() -> Callable[[str, Any], Awaitable[None]]:
    """Runs a standard test of ``BackendSuite`` on a broken backend, and expects it to fail by an assertion."""
    return _caught(run_backend_test)


@pytest.fixture
def embedder_test_fails() -> Callable[[str, Any], Awaitable[None]]:
    return _caught(run_embedder_test)


@pytest.fixture
def embedder_test_passes() -> Callable[[str, Callable[[], BaseEmbedder]], Awaitable[None]]:
    return run_embedder_test


@pytest.fixture
def extractor_test_fails() -> Callable[[str, Any], Awaitable[None]]:
    return _caught(run_extractor_test)


@pytest.fixture
def extractor_test_passes() -> Callable[[str, Callable[[], Extractor]], Awaitable[None]]:
    return run_extractor_test


@pytest.fixture
def l1_test_fails() -> Callable[[str, Any], Awaitable[None]]:
    return _caught(run_l1_test)


@pytest.fixture
def guard_test_fails() -> Callable[[str, Any], Awaitable[None]]:
    return _broken(run_guard_test)


@pytest.fixture
def guard_test_passes() -> Callable[[str, Callable[[], Guard]], Awaitable[None]]:
    return run_guard_test


@pytest.fixture
def reviewer_test_fails() -> Callable[[str, Any], Awaitable[None]]:
    return _broken(run_reviewer_test)


@pytest.fixture
def reviewer_test_passes() -> Callable[[str, Callable[[], Reviewer]], Awaitable[None]]:
    return run_reviewer_test


def _broken(run: Callable[[str, Any], Awaitable[None]]) -> Callable[[str, Any], Awaitable[None]]:
    """As ``_caught``; what a guard or reviewer raises fails a test as well, since it must never raise."""

    async def fails(test: str, make_broken: Any) -> None:
        with pytest.raises((*FAILED, ValueError, TypeError, LookupError)):
            await run(test, make_broken)

    return fails
