"""The keys as another program reads them, and what the backend makes of keys that another program changed."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from medha import CollectionSpec, Where
from medha.errors import BackendError, CollectionMismatchError, CollectionNotFoundError, CorruptEntryError
from medha_conformance.corpus import HOSTILE_TEXTS, NOW, SPEC, axis, make_entries, make_entry, make_id
from medha_conformance.suite.metadata import check_conditions, stored_and_asked
from medha_conformance.suite.reading import closest, read_all
from medha_redis import RedisBackend, RedisSettings
from medha_redis.schema import names_of


def key_of(settings: RedisSettings, label: str) -> str:
    return names_of(settings.prefix, "music").entries + make_id(label)


def hash_at(by_hand: Any, key: str) -> dict[bytes, bytes]:
    return by_hand.hgetall(key)


def keys_like(by_hand: Any, settings: RedisSettings) -> set[str]:
    return {key.decode() for key in by_hand.scan_iter(f"{settings.prefix}*")}


async def test_an_entry_is_a_hash_that_any_client_reads(
    backend: RedisBackend, settings: RedisSettings, by_hand: Any
) -> None:
    entry = make_entry("a", metadata={"tenant": "acme", "share": 10.0}, expires_at=NOW + 0.5, feedback_correct=2)
    await backend.upsert("music", [entry])
    stored = hash_at(by_hand, key_of(settings, "a"))
    assert json.loads(stored[b"entry"]) == {
        "question": entry.question,
        "normalized_question": entry.normalized_question,
        "generated_query": entry.generated_query,
        "query_hash": entry.query_hash,
        "created_at": entry.created_at,
        "expires_at": NOW + 0.5,
        "metadata": {"tenant": "acme", "share": 10.0},
    }
    assert stored[b"vector"] == axis(0).tobytes()
    assert (stored[b"correct"], stored[b"incorrect"], float(stored[b"expires"])) == (b"2", b"0", NOW + 0.5)
    about = hash_at(by_hand, names_of(settings.prefix, "music").about)
    assert (about[b"name"], about[b"dimension"], about[b"model"]) == (b"music", b"8", SPEC.model_name.encode())


async def test_dropping_leaves_no_key_and_no_index(
    backend: RedisBackend, settings: RedisSettings, by_hand: Any
) -> None:
    await backend.upsert("music", make_entries(300, expires_at=NOW))
    assert len(keys_like(by_hand, settings)) > 300
    await backend.drop_collection("music")
    assert keys_like(by_hand, settings) == set()
    with pytest.raises(CollectionNotFoundError):
        await closest(backend, "music")


async def test_two_prefixes_share_a_server_and_nothing_else(
    backend: RedisBackend, settings: RedisSettings, url: str
) -> None:
    other = RedisBackend(RedisSettings(url=url, prefix=settings.prefix + "other:"))
    await other.connect()
    await other.initialize("music", CollectionSpec(dimension=3, model_name="another"))
    await other.upsert("music", [make_entry("a", vector=axis(0, 3))])
    assert await backend.count("music") == 0
    assert await closest(backend, "music") == []
    await other.drop_collection("music")
    await other.close()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("entry", '{"question": "half'),
        ("entry", "[]"),
        ("entry", "{}"),
        ("entry", '"text"'),
        ("entry", b"\xff\xfe"),
        ("correct", "many"),
        ("incorrect", ""),
    ],
)
async def test_a_damaged_field_is_an_error_and_never_a_miss(
    backend: RedisBackend, settings: RedisSettings, by_hand: Any, field: str, value: str | bytes
) -> None:
    await backend.upsert("music", [make_entry("a"), make_entry("b", template_id="t")])
    by_hand.hset(key_of(settings, "a"), field, value)
    for call in (backend.get("music", [make_id("a")]), closest(backend, "music"), backend.scroll("music")):
        with pytest.raises(CorruptEntryError, match=make_id("a")):
            await call
    assert await backend.count("music") == 2
    assert [e.id for e in (await backend.scroll("music", where=Where(template_id="t"))).entries] == [make_id("b")]
    assert await backend.delete("music", where=Where(ids=[make_id("a")])) == 1
    assert [match.entry.id for match in await closest(backend, "music")] == [make_id("b")]


@pytest.mark.parametrize("change", ['"question": 1', '"metadata": [1]', '"metadata": {"a": null}', '"template_id": 5'])
async def test_a_field_of_another_type_is_an_error(
    backend: RedisBackend, settings: RedisSettings, by_hand: Any, change: str
) -> None:
    await backend.upsert("music", [make_entry("a")])
    stored = hash_at(by_hand, key_of(settings, "a"))[b"entry"].decode()
    by_hand.hset(key_of(settings, "a"), "entry", stored[:-1] + f", {change}}}")
    with pytest.raises(CorruptEntryError, match=r"another type|has metadata that is not"):
        await backend.get("music", [make_id("a")])


async def test_an_entry_without_its_fields_is_an_error(
    backend: RedisBackend, settings: RedisSettings, by_hand: Any
) -> None:
    await backend.upsert("music", [make_entry("a")])
    by_hand.hdel(key_of(settings, "a"), "entry", "correct", "incorrect")
    for call in (backend.get("music", [make_id("a")]), closest(backend, "music"), backend.scroll("music")):
        with pytest.raises(CorruptEntryError, match=f"{make_id('a')}.*no field 'entry'"):
            await call


@pytest.mark.parametrize("damage", [bytes(2), np.full(8, np.nan, dtype="<f4").tobytes()])
async def test_a_damaged_vector_is_an_error_of_those_who_ask_for_it(
    backend: RedisBackend, settings: RedisSettings, by_hand: Any, damage: bytes
) -> None:
    await backend.upsert("music", [make_entry("a"), make_entry("b")])
    by_hand.hset(key_of(settings, "a"), "vector", damage)
    with pytest.raises(CorruptEntryError, match=make_id("a")):
        await backend.scroll("music", with_vectors=True)
    with pytest.raises(CorruptEntryError, match=make_id("a")):
        await closest(backend, "music", where=Where(ids=[make_id("a")]))
    assert len((await backend.scroll("music")).entries) == 2


async def test_a_key_of_another_type_is_an_error(backend: RedisBackend, settings: RedisSettings, by_hand: Any) -> None:
    await backend.upsert("music", [make_entry("a")])
    by_hand.set(key_of(settings, "a"), "not a hash")
    with pytest.raises(CorruptEntryError, match="not what Medha wrote"):
        await backend.get("music", [make_id("a")])
    with pytest.raises(CorruptEntryError, match="not what Medha wrote"):
        await backend.add_feedback("music", make_id("a"), correct=1)


async def test_entries_that_redis_let_go_of_are_nowhere(
    backend: RedisBackend, settings: RedisSettings, by_hand: Any
) -> None:
    kept = make_entries(5, "kept", template_id="t", expires_at=NOW)
    soon = time.time() + 2
    await backend.upsert("music", [*kept, *make_entries(30, "mortal", template_id="t", expires_at=soon)])
    assert by_hand.pexpiretime(key_of(settings, "mortal-0")) == math.floor(soon * 1000) + 1
    while by_hand.exists(key_of(settings, "mortal-0")):
        pass
    expected = {entry.id for entry in kept}
    for where in (Where(), Where(template_id="t")):
        # the clock of the search is in the past: it is Redis that let them go
        found = {match.entry.id for match in await closest(backend, "music", where=where, limit=10, now=0.0)}
        assert found <= expected
        assert {entry.id for entry in await read_all(backend, "music", where=where, limit=3)} == expected
        assert await backend.count("music", where=where) == 5
    assert len(await closest(backend, "music", limit=10, now=time.time())) == 5
    assert await backend.delete("music", where=Where(expired_at=time.time())) == 0
    assert await backend.get("music", [make_id("mortal-0")]) == []
    assert await backend.add_feedback("music", make_id("mortal-0"), correct=1) is None
    names = names_of(settings.prefix, "music")
    assert by_hand.zcard(names.order) == 5
    assert by_hand.zcard(names.expiry) == 5


async def test_a_replacement_without_expiry_lives_on(
    backend: RedisBackend, settings: RedisSettings, by_hand: Any
) -> None:
    await backend.upsert("music", [make_entry("a", expires_at=NOW)])
    assert by_hand.pttl(key_of(settings, "a")) != -1
    await backend.upsert("music", [make_entry("a")])
    assert by_hand.pttl(key_of(settings, "a")) == -1
    assert by_hand.zcard(names_of(settings.prefix, "music").expiry) == 0


async def test_a_batch_with_a_vector_of_another_length_stores_nothing(backend: RedisBackend) -> None:
    with pytest.raises(CollectionMismatchError, match="9 dimensions"):
        await backend.upsert("music", [make_entry("a"), make_entry("b", vector=axis(0, 9))])
    with pytest.raises(CollectionMismatchError, match=r"9 dimensions.*holds 8"):
        await backend.upsert("music", make_entries(600, dimension=9))
    with pytest.raises(BackendError, match="UTF-8"):
        await backend.upsert("music", [make_entry("a"), make_entry("b", question="\ud800")])
    assert await backend.count("music") == 0


async def test_ids_are_taken_as_they_are(backend: RedisBackend) -> None:
    entries = [make_entry("x", id=f"id {text}", query_hash=name) for name, text in HOSTILE_TEXTS.items()]
    await backend.upsert("music", entries)
    assert {e.id for e in await read_all(backend, "music", limit=3)} == {entry.id for entry in entries}
    assert {match.entry.id for match in await closest(backend, "music")} == {entry.id for entry in entries}
    for entry in entries:
        where = Where(query_hash=entry.query_hash)
        assert list((await backend.scroll("music", where=where)).entries) == [entry]
        assert await backend.delete("music", where=where) == 1


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(stored_and_asked())
async def test_metadata_conditions_mean_what_where_matches_means(
    backend: RedisBackend, case: tuple[list[dict[str, Any]], dict[str, Any]]
) -> None:
    await check_conditions(backend, "music", *case)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(instant=st.floats(min_value=-1e12, max_value=1e300, allow_nan=False))
async def test_instants_are_compared_to_the_last_bit(backend: RedisBackend, instant: float) -> None:
    assume(abs(instant) > 1e-200)  # where a decimal number in a filter of a vector set ends
    later = math.nextafter(instant, math.inf)
    await backend.upsert("music", [make_entry("a", expires_at=instant), make_entry("b", expires_at=later)])
    for now in (math.nextafter(instant, -math.inf), instant, math.nextafter(instant, math.inf)):
        where = Where(expired_at=now)
        alive = {entry.id for entry in await read_all(backend, "music") if not entry.expired(now)}
        expired = {entry.id for entry in await read_all(backend, "music") if entry.expired(now)}
        assert {match.entry.id for match in await closest(backend, "music", now=now, limit=2)} == alive
        assert {entry.id for entry in await read_all(backend, "music", where=where)} == expired
        assert await backend.count("music", where=where) == len(expired)
