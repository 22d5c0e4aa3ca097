"""Identities: the same for the same entry, scope, question or query, and for nothing else."""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from hypothesis import assume, example, given
from hypothesis import strategies as st

from medha import query_hash
from medha.identity import NAMESPACE, ask, entry_id, scope_key
from medha.where import same_value

if TYPE_CHECKING:
    from conftest import MakeCache, WatchedBackend

    from medha import Medha
    from medha.models import Metadata, Scalar

_texts: Final = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_values: Final = st.one_of(
    st.sampled_from([True, False, 0, 1, 2, 10, -1, 0.0, -0.0, 1.0, 10.0, 0.1, "1", "1.0", "true", "True", "", "10"]),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(alphabet='a":,[]{}\\\0é🎸', max_size=6),
)
_scopes: Final = st.dictionaries(st.sampled_from(["tenant", "dialect", "a", "A", "a-b"]), _values, max_size=3)


def _same_scope(one: Metadata, other: Metadata) -> bool:
    return one.keys() == other.keys() and all(same_value(one[key], other[key]) for key in one)


@given(_scopes, _scopes)
@example({"a": True}, {"a": 1})
@example({"a": 1}, {"a": 1.0})
@example({"a": 1}, {"a": "1"})
@example({"a": 10}, {"a": 10.0})
@example({"a": 0.0}, {"a": -0.0})
@example({"a": 2**53}, {"a": float(2**53)})
@example({"a": "x", "A": "y"}, {"A": "y", "a": "x"})
@example({"a": "x"}, {})
def test_two_scopes_have_one_key_exactly_when_a_filter_holds_them_equal(one: Metadata, other: Metadata) -> None:
    assert (scope_key(one) == scope_key(other)) == _same_scope(one, other)


@given(_scopes)
def test_the_order_of_the_keys_does_not_matter(scope: dict[str, Scalar]) -> None:
    assert scope_key(dict(reversed(scope.items()))) == scope_key(scope)


def test_the_kinds_of_one_are_three() -> None:
    keys = [scope_key({"a": value}) for value in (True, 1, 1.0, "1", "true", "True")]
    assert keys[1] == keys[2]
    assert len(set(keys)) == 5


def test_no_scope_is_the_empty_key_and_any_scope_is_not() -> None:
    assert scope_key({}) == ""
    assert scope_key({"a": ""}) != ""


@given(_texts, _texts, _scopes)
def test_an_entry_id_is_the_uuid5_of_collection_and_question_and_scope(
    collection: str, question: str, scope: Metadata
) -> None:
    key = scope_key(scope)
    made = entry_id(collection, question, key)
    assert made == str(uuid.uuid5(NAMESPACE, f"{collection}\0{question}\0{key}"))
    assert uuid.UUID(made).version == 5


@given(st.tuples(_texts, _texts, _scopes), st.tuples(_texts, _texts, _scopes))
@example(("a", "b c", {}), ("a b", "c", {}))
@example(("a", "b", {}), ("a", "b", {"k": "v"}))
@example(("a", "", {}), ("", "a", {}))
def test_different_collections_or_questions_or_scopes_have_different_ids(
    one: tuple[str, str, Metadata], other: tuple[str, str, Metadata]
) -> None:
    assume(one[:2] != other[:2] or not _same_scope(one[2], other[2]))
    ids = {entry_id(collection, question, scope_key(scope)) for collection, question, scope in (one, other)}
    assert len(ids) == 2


def test_the_identity_of_an_entry_never_changes_between_versions() -> None:
    scope = scope_key({"tenant": "acme", "year": 2024, "live": True})
    assert entry_id("shop", "total sales", scope) == "bb863baf-9055-5feb-93e4-1986077a32d3"
    assert query_hash("SELECT 1") == "ec50210dd808f895bae1780e78bbf44d"


@given(_texts)
def test_a_query_hash_is_32_digits_and_white_space_around_the_query_is_aside(query: str) -> None:
    made = query_hash(query)
    assert len(made) == 32
    assert int(made, 16) >= 0
    assert query_hash(f" \n{query}\t") == made


@given(_texts, _texts)
@example("SELECT 'a'", "select 'a'")
@example("SELECT 'a  b'", "SELECT 'a b'")
def test_different_queries_have_different_hashes(one: str, other: str) -> None:
    assume(one.strip() != other.strip())
    assert query_hash(one) != query_hash(other)


@given(_texts, _scopes, _scopes)
@example("total sales", {}, {"tenant": "acme"})
@example("total sales", {"tenant": True}, {"tenant": 1})
def test_an_l1_key_carries_the_scope(question: str, one: Metadata, other: Metadata) -> None:
    assume(not _same_scope(one, other))
    asked = ask(f"x{question}")
    assert asked.key(scope_key(one)) != asked.key(scope_key(other))
    assert asked.key(scope_key(one)) == ask(f" x{question} ").key(scope_key(one))


def test_an_l1_key_of_one_question_is_no_key_of_another() -> None:
    keys = {ask(question).key(scope) for question in ("total sales", "total cost") for scope in ("", "a", "b")}
    assert len(keys) == 6


async def test_an_entry_is_stored_under_its_id(cache: Medha, backend: WatchedBackend) -> None:
    made = await cache.store("Could you show me the total sales?", "SELECT 1", metadata={"year": 2024})
    assert made == entry_id("tests", "the total sales", scope_key({"year": 2024.0}))
    assert [entry.id for entry in await backend.get("tests", [made])] == [made]


async def test_one_question_has_an_entry_for_each_scope_and_collection(
    make_cache: MakeCache, backend: WatchedBackend
) -> None:
    scopes: list[Metadata] = [{}, {"t": 1}, {"t": "1"}, {"t": True}, {"t": 1, "u": 1}]
    async with make_cache("one") as one, make_cache("other") as other:
        ids = [
            await cache.store("total sales", "SELECT 1", metadata=scope) for cache in (one, other) for scope in scopes
        ]
        assert len(set(ids)) == 2 * len(scopes)
        again = [await one.store("total sales", "SELECT 2", metadata=scope) for scope in scopes]
        assert again == ids[: len(scopes)]
        assert await one.count() == await other.count() == len(scopes)


async def test_a_scope_of_enum_members_is_the_scope_of_their_values(cache: Medha) -> None:
    class Dialect(StrEnum):
        SQL = "sql"

    await cache.store("Albums by Queen", "SELECT 1", metadata={"dialect": Dialect.SQL})
    for question in ("Albums by Queen", "albums by Queen"):
        assert await cache.search(question, filters={"dialect": "sql"})
        assert not await cache.search(question, filters={"dialect": "cypher"})
    assert await cache.invalidate("Albums by Queen", filters={"dialect": "sql"}) == 1
