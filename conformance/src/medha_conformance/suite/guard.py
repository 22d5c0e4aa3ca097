"""The suite that a guard must pass."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import repeat
from typing import Any, ClassVar, Final, TypeAlias

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from medha import CacheEntry, Candidate, Guard, GuardPlugin, Question, Verdict
from medha.plugins import installed_plugins
from medha_conformance.suite.loading import AuthorSettings, make_from
from medha_conformance.suite.standard import StandardSuite

MakeGuard: TypeAlias = Callable[[], Guard]

NOON: Final = 1_764_244_800.0
_PAIRS: Final = (
    ("how many albums are there by Queen", "what is the number of albums by Queen"),
    ("show the flights from Rome to Paris", "show the flights from Paris to Rome"),
    ("show the top 5 customers", "show the top 10 customers"),
    ("which users are active", "which users are not active"),
    ("show orders over 2,000 euros", "show orders over 2k euros"),
    ('tracks named "Help"', 'tracks named "help"'),
    ("orders of yesterday", "orders of today"),
    ("the revenue of each shop", "the earnings of each shop"),
    ("x", "?"),
)
_LANGUAGES: Final = (
    ("quanti clienti ci sono a Roma", "quanti clienti non sono a Roma"),
    ("wie viele Kunden gibt es in Köln", "wie viele Kunden gibt es nicht in Köln"),
    ("combien de clients à Lyon", "combien de clients à Lille"),
    ("¿cuántos pedidos de ayer?", "¿cuántos pedidos de hoy?"),
    ("दिल्ली में कितने ग्राहक हैं", "मुंबई में कितने ग्राहक हैं"),
    ("北京有多少客户", "上海有多少客户"),
    ("كم عدد العملاء في القاهرة", "كم عدد العملاء في دبي"),
)
_LONG: Final = ("word " * 20_000, "x" * 100_000, "'" * 50_000, "5 " * 30_000)
_TEXTS: Final = st.one_of(
    st.text(min_size=1, max_size=60),
    st.sampled_from([text for pair in (*_PAIRS, *_LANGUAGES) for text in pair]),
    st.text(alphabet="aA1 ,.’'\"-“”«`%$(\u0301\U0001f3b8א\u200f\ufeff\t\n", min_size=1, max_size=40),
    st.lists(st.sampled_from(["not", "5", "from", "Rome", "'x'", "DROP", "--", "{}", "%s", "\\"]), min_size=1).map(
        " ".join
    ),
)


class GuardTests:
    """The standard tests of ``GuardSuite``."""

    guard_name: ClassVar[str]

    @pytest.fixture
    def settings(self) -> AuthorSettings:
        """The guard's settings; an author's class returns its own."""
        return {}

    @pytest.fixture
    def make_guard(self, settings: AuthorSettings) -> MakeGuard:
        """Makes one more guard, through its entry point."""
        plugin = installed_plugins().find(GuardPlugin, self.guard_name)
        return lambda: make_from(plugin, settings)

    @pytest.fixture
    def guard(self, make_guard: MakeGuard) -> Guard:
        """The guard."""
        return make_guard()

    async def test_it_is_a_guard_with_a_name(self, make_guard: MakeGuard) -> None:
        guard = make_guard()
        assert isinstance(guard, Guard), "a slow judge is a Reviewer, and has a suite of its own"
        assert isinstance(guard.name, str)
        assert guard.name.strip(), "statistics count rejections by the guard's name"
        assert make_guard().name == guard.name

    async def test_the_same_question_is_accepted(self, guard: Guard) -> None:
        for text in _texts():
            assert judge(guard, text, text).accepted, f"the very same question was rejected: {text!r}"

    async def test_every_verdict_is_one_and_a_rejection_says_why(self, guard: Guard) -> None:
        for asked, stored in _both_ways(_PAIRS):
            judge(guard, asked, stored)

    async def test_the_same_arguments_get_the_same_verdict(self, make_guard: MakeGuard) -> None:
        guard = make_guard()
        pairs = list(_both_ways((*_PAIRS, *_LANGUAGES)))
        first = [judge(guard, *pair) for pair in pairs]
        assert [judge(guard, *pair) for pair in reversed(pairs)] == first[::-1], "a guard remembers nothing"
        assert [judge(make_guard(), *pair) for pair in pairs] == first, "another guard with the same settings"

    async def test_it_does_not_matter_which_was_asked_and_which_stored(self, guard: Guard) -> None:
        for asked, stored in (*_PAIRS, *_LANGUAGES):
            forth, back = judge(guard, asked, stored), judge(guard, stored, asked)
            assert forth.accepted == back.accepted, f"two questions are the same or not: {asked!r}, {stored!r}"
            assert forth.reviewable == back.reviewable

    async def test_any_text_gets_a_verdict(self, guard: Guard) -> None:
        @hypothesis_settings(
            max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
        )
        @given(_TEXTS, _TEXTS)
        def each(asked: str, stored: str) -> None:
            judge(guard, asked, stored)
            assert judge(guard, asked, asked).accepted, f"the very same question was rejected: {asked!r}"

        each()

    async def test_a_long_text_gets_a_verdict(self, guard: Guard) -> None:
        for text in _LONG:
            assert judge(guard, text, text).accepted
            judge(guard, text, f"{text}y")

    async def test_any_language_gets_a_verdict(self, guard: Guard) -> None:
        for asked, stored in _both_ways(_LANGUAGES):
            judge(guard, asked, stored)
            assert judge(guard, asked, asked).accepted

    async def test_any_entry_gets_a_verdict(self, guard: Guard) -> None:
        queries = ("", "'", "SELECT 'unclosed", "MATCH (n) RETURN n", "{ orders { id } }", "\x7f\U0010ffff")
        for query in queries:
            for scope in ({}, {"tenant": "acme", "level": 3, "open": True}):
                judge(guard, *_PAIRS[0], query=query, scope=scope)
        for now in (None, 0.0, NOON, 4e9):
            judge(guard, *_PAIRS[0], now=now)

    async def test_it_reads_no_clock_of_its_own(self, guard: Guard) -> None:
        pairs = list(_both_ways(_PAIRS))
        before = [judge(guard, *pair) for pair in pairs]
        with pytest.MonkeyPatch.context() as clock:
            clock.setattr("time.time", lambda: NOON + 86_400 * 500)
            clock.setattr("time.monotonic", lambda: 1e9)
            assert [judge(guard, *pair) for pair in pairs] == before, "the time is candidate.now"

    async def test_it_does_no_input_and_output(self, guard: Guard) -> None:
        pairs = list(_both_ways((*_PAIRS, *_LANGUAGES)))
        for pair in pairs:
            judge(guard, *pair)
        with _watched() as touched:
            for asked, stored in pairs:
                judge(guard, f"{asked} once more", stored)
        assert touched == [], "a guard is asked on the event loop, for each candidate"

    async def test_threads_get_their_own_verdicts(self, guard: Guard) -> None:
        pairs = list(_both_ways((*_PAIRS, *_LANGUAGES))) * 20
        expected = [judge(guard, *pair) for pair in pairs]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(judge, repeat(guard), *zip(*pairs, strict=True)))
        assert found == expected


class GuardSuite(GuardTests, StandardSuite):
    """Every clause of ``Guard``, tested on the installed plugin that ``guard_name`` names.

    A subclass sets ``guard_name`` and, where the plugin has settings, returns them from a ``settings`` fixture. No time
    is measured here: the contract asks for tens of microseconds a candidate.
    """

    plugin_name: ClassVar[str] = "guard_name"


def judge(
    guard: Guard,
    asked: str,
    stored: str,
    *,
    query: str = "SELECT name FROM album",
    scope: dict[str, Any] | None = None,
    now: float | None = NOON,
) -> Verdict:
    """The guard's verdict on serving the stored question's query for the asked one; it must be a proper one."""
    entry = CacheEntry(
        id="kit",
        question=stored,
        normalized_question=stored,
        generated_query=query,
        query_hash="",
        created_at=NOON,
        metadata=scope or {},
    )
    verdict = guard.verify(Question(asked, asked), Candidate(entry, Question(stored, stored), 0.95, now, scope or {}))
    assert type(verdict) is Verdict, f"verify returned a {type(verdict).__name__}"
    assert type(verdict.accepted) is bool
    assert type(verdict.reviewable) is bool
    assert isinstance(verdict.reason, str)
    assert verdict.accepted or verdict.reason.strip(), "a rejection says why"
    assert not (verdict.accepted and verdict.reviewable), "what is accepted needs no review"
    return verdict


def _texts() -> list[str]:
    return [text for pair in (*_PAIRS, *_LANGUAGES) for text in pair]


def _both_ways(pairs: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    for one, other in pairs:
        yield one, other
        yield other, one


_WATCHING: list[list[str]] = []


def _audit(event: str, _: tuple[object, ...]) -> None:
    if _WATCHING and event in {"open", "socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.listdir"}:
        _WATCHING[-1].append(event)


@contextmanager
def _watched() -> Generator[list[str]]:
    """What is opened and connected to meanwhile."""
    if not getattr(_audit, "added", False):
        sys.addaudithook(_audit)
        _audit.added = True  # type: ignore[attr-defined] # pyright: ignore[reportFunctionMemberAccess]
    touched: list[str] = []
    _WATCHING.append(touched)
    try:
        yield touched
    finally:
        _WATCHING.pop()
