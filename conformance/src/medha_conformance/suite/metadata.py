"""Metadata that an engine is likely to confuse, and the test that it does not; for property tests with hypothesis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from medha import Where
from medha_conformance.corpus import HOSTILE_KEYS, HOSTILE_TEXTS, make_entry
from medha_conformance.suite.reading import closest, read_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha import VectorStorageBackend
    from medha.models import Metadata

_NUMBERS: Final = (
    0, 1, 10, -1, 10.0, 1.0, 0.0, -0.0, 0.1, 1e300, 2**53, 2**53 + 1, float(2**53), 1e16, 10**16, 10**30, 10**30 + 1,
)  # fmt: skip
_SCALARS: Final[st.SearchStrategy[Any]] = st.one_of(
    st.booleans(),
    st.sampled_from(_NUMBERS),
    st.sampled_from(["", "1", "10", "True", "true", "n1", "10.0", "null", *HOSTILE_TEXTS.values()]),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)
_METADATA: Final[st.SearchStrategy[dict[str, Any]]] = st.dictionaries(
    st.sampled_from(HOSTILE_KEYS), _SCALARS, max_size=4
)


@st.composite
def stored_and_asked(draw: st.DrawFn) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The metadata of some entries, and a condition: anything, those of one entry, or a part of them."""
    stored = draw(st.lists(_METADATA, min_size=1, max_size=6))
    whole = draw(st.one_of(_METADATA, st.sampled_from(stored)))
    return stored, {key: value for key, value in whole.items() if draw(st.booleans()) or draw(st.booleans())}


async def check_conditions(
    backend: VectorStorageBackend, collection: str, stored: Sequence[Metadata], asked: Metadata
) -> None:
    """Store entries with these metadata alone: they come back as they are, and a condition means what it says."""
    entries = [make_entry(f"{number}", metadata=values) for number, values in enumerate(stored)]
    await backend.delete(collection, where=Where())
    await backend.upsert(collection, entries)
    read = {entry.id: entry for entry in await read_all(backend, collection)}
    assert read == {entry.id: entry for entry in entries}
    for entry in entries:
        assert _types(read[entry.id].metadata) == _types(entry.metadata)
    where = Where(metadata=asked)
    expected = {entry.id for entry in entries if where.matches(entry)}
    assert {entry.id for entry in await read_all(backend, collection, where=where)} == expected
    assert {match.entry.id for match in await closest(backend, collection, where=where)} == expected
    assert await backend.delete(collection, where=where) == len(expected)


def _types(metadata: Metadata) -> dict[str, type]:
    return {key: type(value) for key, value in metadata.items()}
