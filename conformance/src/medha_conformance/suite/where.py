"""Topic: the conditions of ``Where``, on which every method must agree."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from medha import Capability, Where, same_value
from medha_conformance.corpus import HOSTILE_KEYS, HOSTILE_TEXTS, NOW, make_entries, make_entry, make_id
from medha_conformance.suite.lab import BackendTopic
from medha_conformance.suite.reading import closest, found_by, read_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medha import CacheEntry, VectorStorageBackend
    from medha.models import Scalar

_LOOKALIKES: Final[tuple[Scalar, ...]] = (
    True, False, 1, 0, 1.0, 0.0, -0.0, "1", "0", "1.0", "true", "True", "false", "", "null",
    10, 10.0, 10.5, "10", -10, 2**53, 2**53 + 1, float(2**53), 0.1, 0.1 + 0.2, 0.3, "0.1",
)  # fmt: skip
_TEXTS: Final = (
    "EU", "eu", "eu ", " eu", "e", "eu-west", "eu west", "eu_west", "e%", "e_", "*", "é", "e\u0301", "", "east*",
    "x" * 1000 + "a", "x" * 1000 + "b", *HOSTILE_TEXTS.values(),
)  # fmt: skip


def _needs_metadata_filter(backend: VectorStorageBackend) -> None:
    support = backend.capabilities[Capability.METADATA_FILTER]
    if not support:
        pytest.skip(f"the backend declares that it cannot filter by metadata: {support.reason}")


class WhereTopic(BackendTopic):
    """Each condition is exact equality; scroll, count, search and delete mean the same by it."""

    async def test_no_condition_matches_every_entry(self, backend: VectorStorageBackend, collection: str) -> None:
        entries = [*make_entries(5), make_entry("rich", template_id="t", metadata={"a": 1}, expires_at=NOW)]
        await backend.upsert(collection, entries)
        assert await found_by(backend, collection, Where()) == {entry.id for entry in entries}

    async def test_ids_match_any_of_them(self, backend: VectorStorageBackend, collection: str) -> None:
        entries = make_entries(10)
        await backend.upsert(collection, entries)
        wanted = {entry.id for entry in entries[2:6]}
        assert await found_by(backend, collection, Where(ids=[*wanted, make_id("absent")])) == wanted
        assert await found_by(backend, collection, Where(ids=frozenset(wanted))) == wanted

    async def test_no_ids_match_nothing(self, backend: VectorStorageBackend, collection: str) -> None:
        await backend.upsert(collection, make_entries(3))
        assert await found_by(backend, collection, Where(ids=[])) == set()
        assert await backend.delete(collection, where=Where(ids=[])) == 0
        assert await backend.count(collection) == 3, "deleting no ids deleted entries"

    async def test_thousands_of_ids_may_be_asked_for(self, backend: VectorStorageBackend, collection: str) -> None:
        entries = make_entries(900)
        await backend.upsert(collection, entries)
        # those that are there come last, beyond whatever an engine takes at a time
        asked = [make_id(f"row-{number}") for number in range(5450, 449, -1)]
        assert await found_by(backend, collection, Where(ids=asked)) == {entry.id for entry in entries[450:]}

    async def test_a_text_field_matches_only_the_very_same_text(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        for field in ("normalized_question", "query_hash", "template_id"):
            texts = dict.fromkeys(_TEXTS)
            entries = {text: replace(make_entry(f"{field} {text}"), **{field: text}) for text in texts}
            await backend.delete(collection, where=Where())
            await backend.upsert(collection, [*entries.values(), make_entry("without", template_id=None)])
            for text, entry in entries.items():
                found = await found_by(backend, collection, _where({field: text}))
                assert found == {entry.id}, f"{field} = {text[:40]!r}"
            assert await found_by(backend, collection, _where({field: "nobody has this"})) == set()

    async def test_a_metadata_text_matches_only_the_very_same_text(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        _needs_metadata_filter(backend)
        entries = {text: make_entry(text, metadata={"region": text}) for text in dict.fromkeys(_TEXTS)}
        await backend.upsert(collection, list(entries.values()))
        for text, entry in entries.items():
            found = await found_by(backend, collection, Where(metadata={"region": text}))
            assert found == {entry.id}, f"metadata text {text[:40]!r}"

    async def test_metadata_values_of_each_type_match_exactly(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        _needs_metadata_filter(backend)
        entries = [make_entry(f"value {n}", metadata={"value": value}) for n, value in enumerate(_LOOKALIKES)]
        await backend.upsert(collection, entries)
        for wanted in _LOOKALIKES:
            found = await found_by(backend, collection, Where(metadata={"value": wanted}))
            named = [entry.metadata["value"] for entry in entries if entry.id in found]
            assert named == [value for value in _LOOKALIKES if same_value(value, wanted)], f"asked for {wanted!r}"

    async def test_true_is_not_one(self, backend: VectorStorageBackend, collection: str) -> None:
        _needs_metadata_filter(backend)
        await backend.upsert(
            collection,
            [make_entry("true", metadata={"flag": True}), make_entry("one", metadata={"flag": 1})],
        )
        assert await found_by(backend, collection, Where(metadata={"flag": True})) == {make_id("true")}
        assert await found_by(backend, collection, Where(metadata={"flag": 1})) == {make_id("one")}
        assert await found_by(backend, collection, Where(metadata={"flag": 1.0})) == {make_id("one")}

    async def test_an_entry_without_the_key_never_matches(self, backend: VectorStorageBackend, collection: str) -> None:
        _needs_metadata_filter(backend)
        empties: tuple[Scalar, ...] = ("", False, 0, "null", "None")
        entries = [make_entry("bare"), make_entry("other key", metadata={"other": ""})]
        await backend.upsert(collection, entries)
        for value in empties:
            assert await found_by(backend, collection, Where(metadata={"tenant": value})) == set(), repr(value)

    async def test_all_metadata_keys_must_match(self, backend: VectorStorageBackend, collection: str) -> None:
        _needs_metadata_filter(backend)
        both = make_entry("both", metadata={"tenant": "acme", "year": 2024, "draft": False})
        one = make_entry("one", metadata={"tenant": "acme", "year": 2023, "draft": False})
        none = make_entry("none", metadata={"tenant": "2024", "year": 2024})
        await backend.upsert(collection, [both, one, none])
        where = Where(metadata={"tenant": "acme", "year": 2024})
        assert await found_by(backend, collection, where) == {both.id}
        assert await found_by(backend, collection, Where(metadata={"tenant": "acme"})) == {both.id, one.id}

    async def test_hostile_metadata_keys_are_only_keys(self, backend: VectorStorageBackend, collection: str) -> None:
        _needs_metadata_filter(backend)
        entries = {key: make_entry(f"key {key}", metadata={key: "set"}) for key in HOSTILE_KEYS}
        await backend.upsert(collection, list(entries.values()))
        for key, entry in entries.items():
            assert await found_by(backend, collection, Where(metadata={key: "set"})) == {entry.id}, f"key {key!r}"

    async def test_conditions_are_joined_by_and(self, backend: VectorStorageBackend, collection: str) -> None:
        whole: dict[str, Any] = {"normalized_question": "q", "query_hash": "h", "template_id": "t", "expires_at": NOW}
        matching = make_entry("matching", **whole)
        off: dict[str, Any] = {
            "normalized_question": "other",
            "query_hash": "other",
            "template_id": "other",
            "expires_at": NOW + 1,
        }
        others = [make_entry(f"off by {field}", **{**whole, field: value}) for field, value in off.items()]
        await backend.upsert(collection, [matching, *others])
        ids = [matching.id, *(entry.id for entry in others)]
        where = Where(ids=ids, normalized_question="q", query_hash="h", template_id="t", expired_at=NOW)
        assert await found_by(backend, collection, where) == {matching.id}
        assert await found_by(backend, collection, replace(where, ids=ids[1:])) == set()

    async def test_metadata_is_joined_with_the_fields_by_and(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        _needs_metadata_filter(backend)
        entries = [
            make_entry(f"{template} {tenant}", template_id=template, metadata={"tenant": tenant})
            for template in ("a", "b")
            for tenant in ("acme", "zenith")
        ]
        await backend.upsert(collection, entries)
        where = Where(template_id="a", metadata={"tenant": "acme"})
        assert await found_by(backend, collection, where) == {make_id("a acme")}

    async def test_delete_removes_what_scroll_finds(self, backend: VectorStorageBackend, collection: str) -> None:
        entries = [
            make_entry(f"{n}", template_id=("a", "b", None)[n % 3], query_hash=f"{n % 2}", expires_at=NOW + n % 4)
            for n in range(48)
        ]
        for where in (
            Where(ids=[entry.id for entry in entries[5:9]]),
            Where(template_id="a"),
            Where(query_hash="1", template_id="b"),
            Where(expired_at=NOW + 1),
            Where(normalized_question=entries[7].normalized_question),
        ):
            await backend.upsert(collection, entries)
            await _deletes_exactly(backend, collection, where, entries)

    async def test_delete_by_metadata_removes_what_scroll_finds(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        _needs_metadata_filter(backend)
        entries = [make_entry(f"value {n}", metadata={"value": value}) for n, value in enumerate(_LOOKALIKES)]
        for wanted in (True, 1, "1", 10.0, "", 0):
            await backend.upsert(collection, entries)
            await _deletes_exactly(backend, collection, Where(metadata={"value": wanted}), entries)

    async def test_search_applies_conditions_to_the_newest_version(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        entry = make_entry("moving", template_id="old")
        await backend.upsert(collection, [entry])
        await backend.upsert(collection, [replace(entry, template_id="new")])
        assert await closest(backend, collection, where=Where(template_id="old")) == []
        assert await found_by(backend, collection, Where(template_id="new")) == {entry.id}


def _where(fields: Mapping[str, Any]) -> Where:
    return Where(**fields)


async def _deletes_exactly(
    backend: VectorStorageBackend, collection: str, where: Where, entries: list[CacheEntry]
) -> None:
    expected = [entry for entry in entries if where.matches(entry)]
    assert await backend.delete(collection, where=where) == len(expected), f"{where}"
    left = {entry.id for entry in await read_all(backend, collection)}
    assert left == {entry.id for entry in entries} - {entry.id for entry in expected}, f"{where}"
