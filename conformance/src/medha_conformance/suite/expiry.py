"""Topic: expiry, to the exact instant of the given ``now``."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from medha import Where
from medha_conformance.corpus import NOW, make_entry
from medha_conformance.suite.lab import BackendTopic
from medha_conformance.suite.reading import closest, found_by, read_all, read_one

if TYPE_CHECKING:
    from medha import VectorStorageBackend

_INSTANT: Final = 4_100_000_123.456789
_JUST_BEFORE: Final = math.nextafter(_INSTANT, -math.inf)


class ExpiryTopic(BackendTopic):
    """An entry has expired when ``expires_at <= now``; only ``search`` leaves it out by itself."""

    async def test_an_entry_is_found_until_the_instant_it_expires(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        entry = make_entry("mortal", expires_at=_INSTANT)
        await backend.upsert(collection, [entry])
        assert [match.entry for match in await closest(backend, collection, now=_JUST_BEFORE)] == [entry]
        assert await closest(backend, collection, now=_INSTANT) == [], "expired means expires_at <= now"
        assert await closest(backend, collection, now=_INSTANT + 1) == []

    async def test_an_entry_without_expiry_is_found_for_good(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        entry = make_entry("immortal", expires_at=None)
        await backend.upsert(collection, [entry])
        assert [match.entry for match in await closest(backend, collection, now=1e12)] == [entry]
        assert await found_by(backend, collection, Where(expired_at=1e12)) == set()

    async def test_the_given_now_decides_and_not_the_clock(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        past, future = make_entry("past", expires_at=1000.5), make_entry("future", expires_at=32_503_680_000.0)
        await backend.upsert(collection, [past, future])
        then = await closest(backend, collection, now=1000.25)
        assert {match.entry.id for match in then} == {past.id, future.id}, "in 1970 both are alive"
        assert await closest(backend, collection, now=32_503_680_000.0) == [], "in the year 3000 neither is"

    async def test_expired_at_matches_to_the_exact_instant(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        entry, later = make_entry("mortal", expires_at=_INSTANT), make_entry("later", expires_at=_INSTANT + 1)
        await backend.upsert(collection, [entry, later, make_entry("immortal")])
        assert await found_by(backend, collection, Where(expired_at=_JUST_BEFORE)) == set()
        assert await found_by(backend, collection, Where(expired_at=_INSTANT)) == {entry.id}
        assert await found_by(backend, collection, Where(expired_at=_INSTANT + 1)) == {entry.id, later.id}

    async def test_expired_entries_are_still_stored(self, backend: VectorStorageBackend, collection: str) -> None:
        entry = make_entry("expired", expires_at=1000.0)
        await backend.upsert(collection, [entry])
        assert await read_one(backend, collection, entry.id) == entry
        assert await read_all(backend, collection) == [entry]
        assert await backend.count(collection) == 1
        assert await backend.add_feedback(collection, entry.id, correct=1) == (1, 0)

    async def test_deleting_the_expired_leaves_the_living(self, backend: VectorStorageBackend, collection: str) -> None:
        entries = [make_entry(f"{n}", expires_at=NOW + n) for n in range(-20, 20)]
        immortal = make_entry("immortal")
        await backend.upsert(collection, [*entries, immortal])
        assert await backend.delete(collection, where=Where(expired_at=NOW)) == 21
        left = {entry.id for entry in await read_all(backend, collection)}
        assert left == {immortal.id, *(entry.id for entry in entries[21:])}

    async def test_a_replacement_takes_its_own_expiry(self, backend: VectorStorageBackend, collection: str) -> None:
        entry = make_entry("renewed", expires_at=NOW)
        await backend.upsert(collection, [entry])
        for expires_at, alive in ((NOW + 1, True), (NOW, False), (None, True)):
            renewed = replace(entry, expires_at=expires_at)
            await backend.upsert(collection, [renewed])
            matches = [match.entry for match in await closest(backend, collection, now=NOW)]
            assert matches == ([renewed] if alive else []), f"expires_at={expires_at}"
