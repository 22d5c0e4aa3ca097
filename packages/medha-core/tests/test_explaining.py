"""What every backend says in the same words: where it failed, why, and the way out; the driver's error is the cause."""

from __future__ import annotations

import pytest

from medha.errors import BackendError, BackendTimeoutError, CollectionMismatchError, CorruptEntryError
from medha.explaining import Doing, failure, other_dimension
from medha.rows import UnreadableRowError


class Asking(Doing):
    engine = "Oracle"
    faults = (OSError, KeyError)

    def explain(self, exc: Exception) -> BackendError:
        return failure(self, (BackendTimeoutError, "it is silent. Ask again"), exc)


DOING = Asking("asking of", "delphi:1", "omens")


def test_what_is_done_is_told_with_and_without_a_collection() -> None:
    assert str(DOING) == "asking of 'omens' on Oracle at delphi:1"
    assert str(Asking("connecting to", "delphi:1")) == "connecting to Oracle at delphi:1"


def test_a_fault_is_explained_and_chained() -> None:
    fault = OSError("fumes")
    said = r"^asking of 'omens' on Oracle at delphi:1: it is silent\. Ask again \(fumes\)$"
    with pytest.raises(BackendTimeoutError, match=said) as caught, DOING.translated():
        raise fault
    assert caught.value.__cause__ is fault


def test_a_row_that_is_no_entry_is_named_with_the_way_out() -> None:
    said = r"'omens'.*: the entry 'x1' is dust\. Remove that entry"
    with pytest.raises(CorruptEntryError, match=said) as caught, DOING.translated():
        raise UnreadableRowError("x1", "is dust")
    assert isinstance(caught.value.__cause__, UnreadableRowError)


@pytest.mark.parametrize("other", [BackendError("ours"), ZeroDivisionError("a bug")])
def test_everything_else_passes_unchanged(other: Exception) -> None:
    with pytest.raises(type(other)) as caught, DOING.translated():
        raise other
    assert caught.value is other


def test_a_vector_of_another_length_is_a_mismatch_that_names_the_collection() -> None:
    error = other_dimension(DOING, "omens", "8 is not 9")
    assert type(error) is CollectionMismatchError
    assert str(error).startswith(f"{DOING}: the collection 'omens' holds vectors of another dimension")
    assert str(error).endswith("Initialize it again (8 is not 9)")
