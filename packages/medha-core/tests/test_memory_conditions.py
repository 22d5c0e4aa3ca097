"""The memory backend finds by conditions what ``Where.matches`` says, no more and no less."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from medha import Where
from medha.memory import MemoryBackend
from medha_conformance.corpus import SPEC, make_entry

# few values, of which many look alike, so that conditions often match
scalars = st.sampled_from([True, 1, 1.0, "1"])
metadata = st.fixed_dictionaries({"a": scalars}, optional={"b": scalars})
texts = st.sampled_from(["one", "two"])
instants = st.sampled_from([1.0, 2.0])
stored_fields = st.fixed_dictionaries(
    {
        "metadata": st.just(dict[str, Any]()) | metadata,
        "query_hash": texts,
        "template_id": st.none() | texts,
        "expires_at": st.none() | instants,
    }
)
condition = st.one_of(
    st.fixed_dictionaries({"metadata": metadata}),
    st.fixed_dictionaries({"expired_at": instants}),
    st.fixed_dictionaries({"query_hash": texts}),
    st.fixed_dictionaries({"template_id": texts}),
    st.fixed_dictionaries({"normalized_question": st.sampled_from([make_entry("0").normalized_question, "absent"])}),
)
conditions = condition | st.tuples(condition, condition).map(lambda both: {**both[0], **both[1]})


@settings(max_examples=300, deadline=None)
@given(stored=st.lists(stored_fields, max_size=8), asked=conditions)
async def test_conditions_mean_what_where_matches_means(stored: list[dict[str, Any]], asked: dict[str, Any]) -> None:
    entries = [make_entry(str(number), **values) for number, values in enumerate(stored)]
    backend, where = MemoryBackend(), Where(**asked)
    await backend.initialize("music", SPEC)
    await backend.upsert("music", entries)
    expected = {entry.id for entry in entries if where.matches(entry)}
    assert {entry.id for entry in (await backend.scroll("music", where=where)).entries} == expected
    assert await backend.count("music", where=where) == len(expected)
    assert await backend.delete("music", where=where) == len(expected)
    assert await backend.count("music") == len(entries) - len(expected)
