from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("show Rome and Oslo", "show Rome or Oslo"),
        ("show any genre", "show all the genres"),
        ("show only guitars", "show guitars"),
        ("each of the stores", "which of the stores"),
        ("show both clinics", "show either clinic"),
        ("show red and blue or green", "show red or blue and green"),
    ],
)
def test_another_junction_or_quantifier_is_rejected(
    objections: Callable[..., list[str]], asked: str, stored: str
) -> None:
    assert objections(asked, stored, "logic")


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("show clinics in Rome and Oslo", "the clinics in Rome and Oslo"),
        ("every store of the city", "each store of the city"),
        ("show users not active", "show users active"),
    ],
)
def test_what_leaves_it_the_same_is_accepted(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "logic") == []


@pytest.mark.parametrize(
    ("asked", "stored", "reason"),
    [
        (
            "show Rome and Oslo",
            "show Rome or Oslo",
            "logic: 'and' only in the asked question; 'or' only in the stored question",
        ),
        ("show red and blue or green", "show red or blue and green", "in another order: and, or / or, and"),
    ],
)
def test_the_reason_says_what_differs(
    objections: Callable[..., list[str]], asked: str, stored: str, reason: str
) -> None:
    assert objections(asked, stored, "logic") == [f"different {reason}" if "only in" in reason else reason]
