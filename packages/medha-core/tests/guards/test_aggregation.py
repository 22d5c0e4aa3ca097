from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("the total salary of nurses", "the average salary of nurses"),
        ("how many albums are there", "what are the albums"),
        ("how many customers ordered", "how many distinct customers ordered"),
        ("the sum of the invoices", "the count of the invoices"),
        ("the median price", "the mean price"),
        ("the share of late trains", "the number of late trains"),
        ("the average of the maximum price", "the maximum of the average price"),
        ("the maximum age of the nurses", "the minimum age of the nurses"),
    ],
)
def test_another_aggregation_is_rejected(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "aggregation")


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("how many albums are there", "the number of albums"),
        ("the avg price of albums", "the average price of the albums"),
        ("the max price", "the maximum price"),
        ("show albums by Queen", "show albums by Kiss"),
    ],
)
def test_what_leaves_it_the_same_is_accepted(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "aggregation") == []


@pytest.mark.parametrize(
    ("asked", "stored", "reason"),
    [
        (
            "the total salary",
            "the average salary",
            "aggregation: 'total' only in the asked question; 'average' only in the stored question",
        ),
        ("how many nurses have beds", "how many beds have nurses", "'count_of' bears on 'nurse' / 'bed'"),
    ],
)
def test_the_reason_says_what_differs(
    objections: Callable[..., list[str]], asked: str, stored: str, reason: str
) -> None:
    assert objections(asked, stored, "aggregation") == [f"different {reason}" if "only in" in reason else reason]
