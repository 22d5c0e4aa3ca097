from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("show orders from yesterday", "show orders from today"),
        ("the sales of last week", "the sales of this week"),
        ("the sales in May", "the sales in June"),
        ("the sales on Monday", "the sales on Tuesday"),
        ("the sales on 2026-08-12", "the sales on 2026-08-13"),
        ("the sales at 10:30", "the sales at 11:30"),
        ("the admissions of the last 7 days", "the admissions of the last 7 weeks"),
        ("show daily calls", "show monthly calls"),
        ("show shifts from Monday to Friday", "show shifts from Friday to Monday"),
        ("the past year", "the year"),
    ],
)
def test_another_date_is_rejected(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "dates")


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("show orders from yesterday", "show the orders from yesterday"),
        ("the sales in may", "the sales in May"),
        ("the top 5 albums", "the top 6 albums"),
    ],
)
def test_what_leaves_it_the_same_is_accepted(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "dates") == []


@pytest.mark.parametrize(
    ("asked", "stored", "reason"),
    [
        (
            "show orders from yesterday",
            "show orders from today",
            "dates or times: 'yesterday' only in the asked question; 'today' only in the stored question",
        ),
        (
            "the sales of last week",
            "the sales of this week",
            "dates or times: 'last week' only in the asked question; 'this week' only in the stored question",
        ),
        (
            "show shifts from Monday to Friday",
            "show shifts from Friday to Monday",
            "dates in another order: monday, friday / friday, monday",
        ),
    ],
)
def test_the_reason_says_what_differs(
    objections: Callable[..., list[str]], asked: str, stored: str, reason: str
) -> None:
    assert objections(asked, stored, "dates") == [f"different {reason}" if "only in" in reason else reason]
