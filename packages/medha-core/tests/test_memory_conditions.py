"""The memory backend finds by conditions what ``Where.matches`` says, no more and no less."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from medha import Where
from medha.memory import MemoryBackend
from medha_conformance.corpus import SPEC, make_entry

# few values, of which many look alike
scalars = st.sampled_from([True, False, 0, 1, 1.0, 0.5, "1", "True", "", "ä"])
metadata = st.dictionaries(st.sampled_from(["a", "b", "tenant"]), scalars, max_size=3)
texts = st.sampled_from(["one", "two"])
instants = st.sampled_from([1.0, 2.0])
fields = st.fixed_dictionaries(
    {
        "metadata": metadata,
        "query_hash": texts,
        "template_id": st.none() | texts,
        "expires_at": st.none() | instants,
    }
)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "metadata": metadata,
        "query_hash": texts,
        "template_id": texts,
        "expired_at": instants,
        "normalized_question": st.sampled_from(["0", "1", "absent"]),
    },
)


@given(stored=st.lists(fields, max_size=8), asked=conditions)
async def test_conditions_mean_what_where_matches_means(stored: list[dict[str, Any]], asked: dict[str, Any]) -> None:
    entries = [make_entry(str(number), **values) for number, values in enumerate(stored)]
    names = {str(number): entry.normalized_question for number, entry in enumerate(entries)}
    if "normalized_question" in asked:
        asked["normalized_question"] = names.get(asked["normalized_question"], "absent")
    backend, where = MemoryBackend(), Where(**asked)
    await backend.initialize("music", SPEC)
    await backend.upsert("music", entries)
    expected = {entry.id for entry in entries if where.matches(entry)}
    assert {entry.id for entry in (await backend.scroll("music", where=where)).entries} == expected
    assert await backend.count("music", where=where) == len(expected)
    assert await backend.delete("music", where=where) == len(expected)
    assert await backend.count("music") == len(entries) - len(expected)
