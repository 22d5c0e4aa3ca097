"""No lookup in flight is told that what was removed is still there, however much was removed since."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medha.removals import Removals

_IDS = st.sampled_from("abcdefgh")
_REMOVAL = st.one_of(st.sets(_IDS, min_size=1), st.none())


@given(st.lists(_REMOVAL, max_size=40), st.integers(1, 4))
def test_whatever_was_removed_after_a_moment_is_reported(removals: list[set[str] | None], remembered: int) -> None:
    watched = Removals(remembered)
    lookups: list[tuple[int, set[str]]] = []
    for removed in removals:
        lookups.append((watched.now(), set()))
        if removed is None:
            watched.add_all()
        else:
            watched.add(removed)
        for moment, gone in lookups:
            gone.update("abcdefgh" if removed is None else removed)
            assert all(watched.since(moment, entry_id) for entry_id in gone)


@given(st.lists(_REMOVAL, max_size=40))
def test_what_was_not_removed_is_not_reported_while_all_is_remembered(removals: list[set[str] | None]) -> None:
    watched = Removals()
    for removed in removals:
        if removed is None:
            watched.add_all()
        else:
            watched.add(removed)
        assert not any(watched.since(watched.now(), entry_id) for entry_id in "abcdefgh")
    moment = watched.now()
    watched.add({"a"})
    assert watched.since(moment, "a")
    assert not watched.since(moment, "b")
