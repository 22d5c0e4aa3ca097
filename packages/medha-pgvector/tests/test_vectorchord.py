"""VectorChord: the standard tests where there is a server, and what can be said without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from medha.errors import BackendUnavailableError
from medha_conformance import BackendSuite
from medha_pgvector import VectorchordBackend, VectorchordSettings, statements
from medha_pgvector.indexes import vchordrq
from medha_pgvector.names import Names, rendered

if TYPE_CHECKING:
    from .conftest import ByHand


class TestVectorchord(BackendSuite):
    backend_name = "vectorchord"
    service = "vectorchord"

    @pytest.fixture
    def settings(self, service_url: str) -> VectorchordSettings:
        return VectorchordSettings.model_validate({"url": service_url})


def names(**values: object) -> Names:
    return Names("medha", "public", "chord", vchordrq(VectorchordSettings.model_validate(values)))


def test_the_index_is_made_with_its_options() -> None:
    chord = names(residual_quantization=True, lists=[100, 2000], probes=[10, 20])
    assert rendered(chord.index.make, chord, "entries_1", dimension=384).decode() == (
        'CREATE INDEX CONCURRENTLY IF NOT EXISTS "entries_1_vectors" ON "medha"."entries_1" USING '
        'vchordrq (embedding "chord".vector_cosine_ops) WITH ("options" = \'residual_quantization = true\n'
        "[build.internal]\nlists = [100, 2000]\nspherical_centroids = true\n')"
    )


def test_large_vectors_are_indexed_as_they_are() -> None:
    chord = names()
    assert not chord.index.halved(4096)
    search = rendered(statements.APPROXIMATE_SEARCH, chord, "entries_1", dimension=4096, limit=5).decode()
    assert "halfvec" not in search
    assert 'ORDER BY (embedding OPERATOR("public".<=>) %(vector)b::"public".vector) LIMIT 5' in search


def test_a_search_sets_probes_and_epsilon_for_itself_alone() -> None:
    chord = names(lists=[100, 2000], probes=[10, 20], epsilon=2.5)
    search = rendered(statements.APPROXIMATE_SEARCH, chord, "entries_1", dimension=384, limit=5).decode()
    assert "set_config('vchordrq.probes', '10,20', true) || set_config('vchordrq.epsilon', '2.5', true)" in search


def test_without_lists_there_are_no_probes() -> None:
    chord = names()
    search = rendered(statements.APPROXIMATE_SEARCH, chord, "entries_1", dimension=384, limit=5).decode()
    assert "set_config('vchordrq.probes', '', true) || set_config('vchordrq.epsilon', '1.9', true)" in search
    assert "lists = []" in rendered(chord.index.make, chord, "entries_1").decode()


def test_each_of_lists_needs_a_probe() -> None:
    with pytest.raises(ValidationError, match="probes has 1 numbers and lists 2; give one probe for each"):
        VectorchordSettings(lists=(100, 2000), probes=(10,))


async def test_a_server_without_the_extension_is_refused_with_the_way_out(
    url: str, schema: str, by_hand: ByHand
) -> None:
    available = await by_hand.execute("SELECT FROM pg_available_extensions WHERE name = 'vchord'")
    if available.rowcount:
        pytest.skip("this server has the extension")
    backend = VectorchordBackend(VectorchordSettings.model_validate({"url": url, "schema_name": schema}))
    with pytest.raises(BackendUnavailableError, match=r"lacks the extension 'vchord'.*CREATE EXTENSION vchord CASCADE"):
        await backend.connect()
    made = await by_hand.execute("SELECT FROM pg_namespace WHERE nspname = %s", (schema,))
    assert made.rowcount == 0, "what was refused left something behind"
