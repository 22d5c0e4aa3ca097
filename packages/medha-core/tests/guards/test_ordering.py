from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("show sales per store", "show sales of the store"),
        ("show sales per store per month", "show sales per month"),
        ("show albums sorted by year", "show albums of the year"),
        ("show albums ordered by year", "show albums grouped by year"),
        ("show nurses ranked by age", "show nurses by age"),
        ("show sales by store and month", "show sales by month and store"),
    ],
)
def test_another_order_or_grouping_is_rejected(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "ordering")


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("the sales per store", "show the sales per store"),
        ("the albums sorted by year", "show the albums sorted by year"),
        ("show sales in Rome", "show sales in Oslo"),
    ],
)
def test_what_leaves_it_the_same_is_accepted(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "ordering") == []


@pytest.mark.parametrize(
    ("asked", "stored", "reason"),
    [
        ("show sales per store", "show sales of the store", "order or grouping: 'per' only in the asked question"),
        ("show sales by store and month", "show sales by month and store", "'by' bears on 'store' / 'month'"),
    ],
)
def test_the_reason_says_what_differs(
    objections: Callable[..., list[str]], asked: str, stored: str, reason: str
) -> None:
    assert objections(asked, stored, "ordering") == [f"different {reason}" if "only in" in reason else reason]
