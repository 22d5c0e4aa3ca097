from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("the most sales", "the least sales"),
        ("show orders before May", "show orders after May"),
        ("show parcels over 5 kg", "show parcels under 5 kg"),
        ("show at least 5 beds", "show at most 5 beds"),
        ("show at least 5 beds", "show more than 5 beds"),
        ("show the list by age asc", "show the list by age desc"),
        ("the max price", "the min price"),
        ("show rising sales", "show falling sales"),
        ("the first flight", "the last flight"),
        ("the highest salary in Rome", "the salary in Rome"),
        ("show inbound flights", "show outbound flights"),
        ("the oldest nurse of the newest ward", "the newest nurse of the oldest ward"),
        ("show flights to Rome", "show flights from Rome"),
    ],
)
def test_another_direction_is_rejected(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "direction")


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("show staff by age asc", "show staff by age ascending"),
        ("the max price", "the maximum price"),
        ("the most sales in Rome", "show the most sales in Rome"),
        ("show Rome and Oslo", "show Rome or Oslo"),
    ],
)
def test_what_leaves_it_the_same_is_accepted(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "direction") == []


@pytest.mark.parametrize(
    ("asked", "stored", "reason"),
    [
        ("the highest salary", "the lowest salary", "opposite directions: 'highest' / 'lowest'"),
        ("the longest route", "the route", "direction: 'longest' only in the asked question"),
        (
            "the biggest ward of the smallest clinic",
            "the smallest ward of the biggest clinic",
            "in another order: biggest, smallest / smallest, biggest",
        ),
    ],
)
def test_the_reason_says_what_differs(
    objections: Callable[..., list[str]], asked: str, stored: str, reason: str
) -> None:
    assert objections(asked, stored, "direction") == [f"different {reason}" if "only in" in reason else reason]
