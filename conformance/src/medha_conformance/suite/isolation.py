"""Topic: what belongs to one tenant never reaches another, whatever the two are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from medha import Capability, Where
from medha_conformance.corpus import NOW, axis, make_entry
from medha_conformance.suite.lab import BackendTopic
from medha_conformance.suite.reading import found_by

if TYPE_CHECKING:
    from medha import VectorStorageBackend
    from medha.models import Metadata

_SCOPES: Final[tuple[Metadata, ...]] = (
    {"tenant": "A"},
    # keys and values that read the same once they are glued together
    {"tenant": "a", "region": "b"}, {"tenant": "a,region=b"}, {"tenant": "a", "region=b": ""}, {"tenant=a": "region=b"},
    {"tenant:a": "b"}, {"tenant": "a:b"}, {"tenant|a": "b"}, {"tenant": "a|b"}, {"tenant\x1fa": "b"},
    {"tenant": "a\x1fb"}, {"tenant.a": "b"}, {"tenant": "a.b"}, {"tenan": "ta"}, {"tenant": '{"region": "b"}'},
    # values that mean everything, or nothing, to some engine
    {"tenant": "*"}, {"tenant": "%"}, {"tenant": ".*"}, {"tenant": "a' OR '1'='1"}, {"tenant": "a} | @tenant:{*"},
    {"tenant": 'a" OR "1"="1'}, {"tenant": "a\\"}, {"tenant": "\\*"}, {"tenant": "a OR *"}, {"tenant": "-a"},
    {"tenant": "!a"}, {"tenant": "(a"}, {"tenant": "[a TO z]"}, {"tenant": "a;b"}, {"tenant": "$a"}
)  # fmt: skip


class IsolationTopic(BackendTopic):
    """A condition on metadata is never wider than it says: another tenant's answer is the fault that none forgives."""

    async def test_no_scope_reaches_into_another(self, backend: VectorStorageBackend, collection: str) -> None:
        _needs_metadata_filter(backend)
        entries = [make_entry(f"scope {number}", metadata=scope) for number, scope in enumerate(_SCOPES)]
        await backend.upsert(collection, entries)
        for entry in entries:
            where = Where(metadata=entry.metadata)
            mine = {other.id for other in entries if where.matches(other)}
            assert await found_by(backend, collection, where) == mine, f"scope {dict(entry.metadata)}"
            _, matches = await backend.get_and_search(
                collection, entry.id, axis(0), limit=1000, min_similarity=-1.0, where=where, now=NOW
            )
            assert {match.entry.id for match in matches} == mine, f"get_and_search, scope {dict(entry.metadata)}"

    async def test_deleting_one_scope_leaves_every_other(self, backend: VectorStorageBackend, collection: str) -> None:
        _needs_metadata_filter(backend)
        left = [make_entry(f"scope {number}", metadata=scope) for number, scope in enumerate(_SCOPES)]
        await backend.upsert(collection, left)
        for scope in _SCOPES:
            where = Where(metadata=scope)
            gone = [entry for entry in left if where.matches(entry)]
            left = [entry for entry in left if not where.matches(entry)]
            assert await backend.delete(collection, where=where) == len(gone), f"scope {dict(scope)}"
            assert await found_by(backend, collection, Where()) == {entry.id for entry in left}, f"scope {dict(scope)}"


def _needs_metadata_filter(backend: VectorStorageBackend) -> None:
    support = backend.capabilities[Capability.METADATA_FILTER]
    if not support:
        pytest.skip(f"core filters for the backend, which cannot: {support.reason}")
