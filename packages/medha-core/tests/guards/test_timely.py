"""For how long an entry is right: always, for the day it was stored, or for the moment it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medha import CacheEntry, Candidate, Medha, NewEntry, Question, SearchStrategy, Settings
from medha.guards.dates import DatesGuard
from medha.guards.literals import literals_in, may_hold_a_date
from medha.guards.timely import Bound, bound_of, untimely
from medha.normalize import normalize

if TYPE_CHECKING:
    from conftest import Clock, WordsEmbedder

DAY: Final = 86_400.0
MONDAY: Final = 20_783 * DAY
"""2026-11-26, midnight UTC."""
YESTERDAY: Final = "how many orders came in yesterday"
BAKED: Final = "SELECT count(*) FROM orders WHERE day = '2026-11-25'"
MOVING: Final = "SELECT count(*) FROM orders WHERE day = CURRENT_DATE - 1"


def entry_of(question: str, query: str, created_at: float = MONDAY + 3600) -> CacheEntry:
    normalized = normalize(question)
    return CacheEntry(
        id="stored",
        question=question,
        normalized_question=normalized,
        generated_query=query,
        query_hash="",
        created_at=created_at,
    )


@pytest.mark.parametrize(
    ("question", "query"),
    [
        (YESTERDAY, MOVING),
        (YESTERDAY, "SELECT count(*) FROM orders WHERE date(day) = date('now', '-1 day')"),
        ("orders of the last 7 days", "SELECT * FROM orders WHERE day >= CURRENT_DATE - INTERVAL '7 days'"),
        ("orders of last week", "SELECT * FROM orders WHERE day >= now() - INTERVAL '1 week'"),
        ("orders of last week", "SELECT * FROM orders WHERE day >= DATEADD(day, -7, GETDATE())"),
        ("orders of last week", "MATCH (o:Order) WHERE o.day >= date() - duration('P7D') RETURN o"),
        ("top orders today", "SELECT * FROM orders_today ORDER BY total DESC LIMIT 10"),
        ("albums of 1975", "SELECT * FROM album WHERE year = 1975"),
        ("albums of 2026", "SELECT * FROM album WHERE released BETWEEN '2026-01-01' AND '2026-12-31'"),
        ("orders on 2026-08-12", "SELECT * FROM orders WHERE day = '2026-08-12'"),
        ("sailors older than 30", "SELECT * FROM sailor WHERE born < '1996-11-26'"),
        ("songs named 'Yesterday'", "SELECT * FROM song WHERE title = 'Yesterday'"),
        ("the last name of each student by year", "SELECT last_name FROM student WHERE kind = 3 ORDER BY year"),
        ("the last three orders", "SELECT * FROM orders ORDER BY day DESC LIMIT 3"),
        ("players of the Monday club", 'SELECT "name" FROM "player" WHERE club = \'Monday\''),
    ],
)
def test_an_entry_without_a_date_of_its_day_is_good_at_any_time(question: str, query: str) -> None:
    assert bound_of(entry_of(question, query)) is Bound.NEVER


@pytest.mark.parametrize(
    ("question", "query"),
    [
        (YESTERDAY, BAKED),
        (YESTERDAY, 'query { orders(day: "2026-11-25") { count } }'),
        (YESTERDAY, "SELECT count(*) FROM orders WHERE day_key = 20261125"),
        (YESTERDAY, "SELECT count(*) FROM orders WHERE day = '25-NOV-26'"),
        (YESTERDAY, "SELECT count(*) FROM orders WHERE day = '11/25/2026'"),
        (YESTERDAY, "SELECT count(*) FROM orders WHERE weekday = 'Wednesday'"),
        (YESTERDAY, "SELECT count(*) FROM orders WHERE day_number = 20782"),
        ("orders of this month", "SELECT * FROM orders WHERE month = 11"),
        ("orders of this month", "SELECT * FROM orders WHERE year = EXTRACT(YEAR FROM CURRENT_DATE) AND month = 11"),
        ("orders of last month in 2026", "SELECT * FROM orders WHERE year = 2026 AND month = 10"),
        ("orders of the last 7 days", "SELECT * FROM orders WHERE day >= '2026-11-19'"),
        ("classes of next semester", "SELECT * FROM class WHERE semester = 'FA' AND year = 2027"),
        ("orders in May", "SELECT * FROM orders WHERE day >= '2026-05-01' AND day < '2026-06-01'"),
        ("invoices that are overdue", "SELECT * FROM invoice WHERE due < '2026-11-26'"),
        ("pedidos de ayer", "SELECT count(*) FROM orders WHERE day = '2026-11-25'"),
        ("gestrige Bestellungen", "SELECT count(*) FROM orders WHERE day = 1763942400"),
        ("ordini di ieri", BAKED),
    ],
)
def test_a_date_that_the_question_does_not_say_binds_an_entry_to_its_day(question: str, query: str) -> None:
    entry = entry_of(question, query)
    assert bound_of(entry) is Bound.DAY
    assert untimely(entry, MONDAY + DAY - 1, {}) is None
    for now in (MONDAY + DAY, MONDAY - 1, MONDAY + 365 * DAY, None):
        assert untimely(entry, now, {})
    assert untimely(entry, MONDAY + DAY, {"tenant": "acme"})
    assert untimely(entry, MONDAY + DAY, {"today": "2026-11-26"}) is None, "the scope says which day is meant"


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("orders of the last hour", "SELECT * FROM orders WHERE at >= '2026-11-26 00:10:00'"),
        ("orders of the last hour", "SELECT * FROM orders WHERE at >= 1764119400"),
        ("which shops are open now", "SELECT * FROM shop WHERE opens <= 14 AND closes > 14"),
        ("overdue parcels", "SELECT * FROM parcel WHERE due < '2026-11-26T01:00:00Z'"),
    ],
)
def test_a_time_of_day_that_the_question_does_not_say_is_never_served(question: str, query: str) -> None:
    entry = entry_of(question, query)
    assert bound_of(entry) is Bound.MOMENT
    assert untimely(entry, entry.created_at, {})


@pytest.mark.parametrize(("later", "accepted"), [(60.0, True), (DAY, False), (-DAY, False)])
def test_the_guard_of_dates_looks_at_when_an_entry_was_stored(later: float, accepted: bool) -> None:
    entry = entry_of(YESTERDAY, BAKED)
    asked = Question(YESTERDAY, entry.normalized_question)
    verdict = DatesGuard().verify(asked, Candidate(entry, asked, 1.0, entry.created_at + later))
    assert verdict.accepted is accepted
    assert accepted or "another day" in verdict.reason


def test_the_guard_of_dates_rejects_where_nobody_says_what_time_it_is() -> None:
    entry = entry_of(YESTERDAY, BAKED)
    asked = Question(YESTERDAY, entry.normalized_question)
    assert "unknown" in DatesGuard().verify(asked, Candidate(entry, asked, 1.0)).reason


async def asked_again(embedder: WordsEmbedder, clock: Clock, query: str, *hours: float, **options: Any) -> list[str]:
    """Which tier answers after so many hours, in the same words."""
    clock.now = MONDAY + 3600
    async with Medha("tests", embedder, "memory", Settings(**options), clock=clock) as cache:
        await cache.store(YESTERDAY, query)
        strategies: list[str] = []
        for after in hours:
            clock.now = MONDAY + after * 3600
            strategies.append(str((await cache.search(YESTERDAY)).strategy))
        return strategies


async def test_yesterday_is_not_served_tomorrow_neither_exactly_nor_from_l1(
    embedder: WordsEmbedder, clock: Clock
) -> None:
    hours = (2, 3, 23.9, 24, 25, 49)
    expected = ["exact_match", "l1_cache", "l1_cache", "no_match", "no_match", "no_match"]
    assert await asked_again(embedder, clock, BAKED, *hours) == expected
    assert await asked_again(embedder, clock, BAKED, 2, 25, l1_cache_max_size=0) == ["exact_match", "no_match"]
    assert await asked_again(embedder, clock, MOVING, 2, 25, 49) == ["exact_match", "l1_cache", "l1_cache"]


async def test_a_miss_for_another_day_says_so_and_new_storing_heals_it(embedder: WordsEmbedder, clock: Clock) -> None:
    clock.now = MONDAY
    async with Medha("tests", embedder, "memory", clock=clock) as cache:
        await cache.store(YESTERDAY, BAKED)
        clock.now = MONDAY + DAY
        hit = await cache.search(YESTERDAY)
        assert hit.strategy is SearchStrategy.NO_MATCH
        assert "the entry of this very question is not served" in hit.reason
        assert "rejected by dates" in hit.reason
        await cache.store(YESTERDAY, BAKED.replace("25", "26"))
        assert (await cache.search(YESTERDAY)).generated_query == BAKED.replace("25", "26")


async def test_other_wordings_and_batches_are_held_to_the_day_too(embedder: WordsEmbedder, clock: Clock) -> None:
    clock.now = MONDAY
    async with Medha("tests", embedder, "memory", clock=clock) as cache:
        await cache.store(f"{YESTERDAY} in the shop of Rome", BAKED)
        other = "how many orders came in yesterday in shop of Rome"
        assert await cache.search(other)
        clock.now = MONDAY + DAY
        assert not await cache.search(other)
        assert not any(await cache.search_batch([other, f"{YESTERDAY} in the shop of Rome"]))


async def test_a_date_in_the_scope_says_which_day_is_meant(embedder: WordsEmbedder, clock: Clock) -> None:
    clock.now = MONDAY + 1
    async with Medha("tests", embedder, "memory", clock=clock) as cache:
        await cache.store(YESTERDAY, BAKED, metadata={"today": "2026-11-26"})
        clock.now = MONDAY + DAY + 1
        for _ in range(2):
            assert await cache.search(YESTERDAY, filters={"today": "2026-11-26"})
        assert not await cache.search(YESTERDAY, filters={"today": "2026-11-27"})
        assert not await cache.search(YESTERDAY)


async def test_an_entry_that_was_warmed_is_of_the_day_it_was_first_stored(
    embedder: WordsEmbedder, clock: Clock
) -> None:
    clock.now = MONDAY + DAY
    async with Medha("tests", embedder, "memory", clock=clock) as cache:
        await cache.store_many([NewEntry(question=YESTERDAY, generated_query=BAKED, created_at=MONDAY)])
        assert not await cache.search(YESTERDAY)


@given(
    st.lists(
        st.one_of(
            st.from_regex(
                r"'[0-9]{1,4}[-/.][0-9A-Za-z]{1,3}[-/.][0-9]{2,4}'|[12][0-9]{3,9}|'[^']{0,12}'|\"[0-9-]+\"",
                fullmatch=True,
            ),
            st.sampled_from(["=", "WHERE day >", "IN (", ")", ",", "LIMIT", "a.b", "'"]),
            st.text(max_size=6),
        ),
        max_size=8,
    ).map(" ".join)
)
def test_a_query_that_may_hold_no_date_holds_none(query: str) -> None:
    assert may_hold_a_date(query) or not any(literal.years for literal in literals_in(query))
