"""Nobody overrides, weakens or misspells a standard test without being told when the class is defined."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from medha_conformance import BackendSuite, EmbedderSuite, GuardSuite, L1Suite, ReviewerSuite
from medha_conformance.suite.lab import BackendTopic

if TYPE_CHECKING:
    from collections.abc import Mapping

_SUITES = [BackendSuite, EmbedderSuite, GuardSuite, L1Suite, ReviewerSuite]
_STANDARD = "test_matches_come_closest_first"


async def _own(self: object) -> None:
    """Stands for whatever an author writes."""


def _define(body: Mapping[str, object], *bases: type, name: str = "TestX") -> type:
    return type(name, bases or (BackendSuite,), {"backend_name": "memory", **body})


@pytest.mark.parametrize("replacement", [_own, None, "text"])
def test_overriding_a_standard_test_is_refused(replacement: object) -> None:
    with pytest.raises(TypeError, match=rf"TestX\.{_STANDARD} overrides .* known_failures"):
        _define({_STANDARD: replacement})


def test_overriding_by_a_mixin_is_refused() -> None:
    mixin = type("Mixin", (), {_STANDARD: _own})
    with pytest.raises(TypeError, match=_STANDARD):
        _define({}, mixin, BackendSuite)


def test_overriding_in_a_grandchild_is_refused() -> None:
    child = _define({}, name="TestChild")
    with pytest.raises(TypeError, match=_STANDARD):
        _define({_STANDARD: _own}, child)


@pytest.mark.parametrize("name", ["backend", "lab", "collection", "make_backend", "standard_tests", "authors_set"])
def test_replacing_what_the_standard_tests_stand_on_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=f"overrides BackendSuite.{name}"):
        _define({name: _own})


@given(data=st.data())
def test_a_slip_in_a_standard_name_is_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(BackendSuite.standard_tests)))
    place = data.draw(st.integers(len("test_"), len(name) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz_0"))
    kept = data.draw(st.sampled_from([name[place:], name[place + 1 :]]))
    slip = name[:place] + data.draw(st.sampled_from([letter, ""])) + kept
    assume(slip not in BackendSuite.standard_tests)
    with pytest.raises(TypeError, match=f"{slip} reads like the standard test"):
        _define({slip: _own})


def test_a_forgotten_word_in_a_standard_name_is_refused() -> None:
    with pytest.raises(TypeError, match="reads like the standard test"):
        _define({"test_limit_is_most_that_is_returned": _own})


@pytest.mark.parametrize(
    "name", ["test_the_table_has_an_index", "test_quoting", "test_upsert", "test_search", "test_secrets_stay_secret"]
)
def test_a_test_of_ones_own_is_welcome(name: str) -> None:
    assert hasattr(_define({name: _own}), name)


def test_a_known_failure_must_name_a_standard_test() -> None:
    with pytest.raises(TypeError, match=f"no standard test. Did you mean '{_STANDARD}'"):
        _define({"known_failures": {"test_matches_come_closest": "it is slow"}})


@pytest.mark.parametrize("reason", ["", "  ", None, True])
def test_a_known_failure_must_say_why(reason: object) -> None:
    with pytest.raises(TypeError, match="must say why"):
        _define({"known_failures": {_STANDARD: reason}})


@pytest.mark.parametrize("suite", _SUITES)
def test_a_class_that_names_no_plugin_is_refused(suite: Any) -> None:
    with pytest.raises(TypeError, match=f"add {suite.plugin_name} = "):
        type("TestNothing", (suite,), {})


def test_a_shared_base_need_not_name_a_plugin() -> None:
    base = type("SharedSettings", (BackendSuite,), {"settings": _own})
    assert _define({}, base).__mro__[1] is base


def test_no_topic_hides_a_test_of_another() -> None:
    topics = [base for base in BackendSuite.__mro__ if issubclass(base, BackendTopic) and base is not BackendSuite]
    tests = [name for topic in topics for name in vars(topic) if name.startswith("test")]
    assert sorted(tests) == sorted(BackendSuite.standard_tests)


@pytest.mark.parametrize("suite", _SUITES)
def test_every_standard_test_is_a_coroutine_that_pytest_can_run_in_strict_mode(suite: Any) -> None:
    for name in suite.standard_tests:
        method = getattr(suite, name)
        assert inspect.iscoroutinefunction(method), name
        assert [mark.name for mark in method.pytestmark] == ["asyncio"], name
