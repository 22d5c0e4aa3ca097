"""Every way in which the server and its driver can fail is a typed error that says where, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import elastic_transport
import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from pydantic import SecretStr, ValidationError

from medha import Where
from medha.errors import (
    BackendError,
    BackendTimeoutError,
    BackendUnavailableError,
    BackendWriteError,
    CollectionMismatchError,
    CollectionNotFoundError,
)
from medha_conformance.corpus import SPEC, axis, make_entries, make_entry, make_id
from medha_conformance.driver_errors import with_subclasses
from medha_conformance.suite.reading import closest
from medha_conformance.vendor import Reply, answering
from medha_elastic import ElasticsearchBackend, ElasticsearchSettings
from medha_elastic.errors import Doing

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch

    from medha_elastic.schema import Names

DOING = Doing("storing 3 entries in", "http://es:9200", "music")
SECRET = "hunter2-and-more"  # noqa: S105
NODE = NodeConfig("http", "es", 9200, headers={"authorization": SECRET})


DRIVER_ERRORS: dict[str, type[BackendError]] = {
    "TransportError": BackendUnavailableError,
    "SniffingError": BackendUnavailableError,
    "SerializationError": BackendError,
    "UnsupportedProductError": BackendUnavailableError,
    "ConnectionError": BackendUnavailableError,
    "TlsError": BackendUnavailableError,
    "ConnectionTimeout": BackendTimeoutError,
    "NotFoundError": BackendError,
    "ConflictError": BackendWriteError,
    "BadRequestError": BackendError,
    "AuthenticationException": BackendUnavailableError,
    "AuthorizationException": BackendUnavailableError,
    "ApiError": BackendError,
}
STATUS = {
    "NotFoundError": 404,
    "ConflictError": 409,
    "BadRequestError": 400,
    "AuthenticationException": 401,
    "AuthorizationException": 403,
}


@pytest.mark.parametrize(
    "kind",
    [*with_subclasses(elastic_transport.TransportError), *with_subclasses(elastic_transport.ApiError)],
    ids=lambda kind: kind.__name__,
)
def test_every_error_class_of_the_driver_becomes_the_error_of_its_kind(kind: type[Any]) -> None:
    if issubclass(kind, elastic_transport.TransportError):
        exc: Exception = kind("what the driver says")
    else:
        meta = ApiResponseMeta(STATUS.get(kind.__name__, 500), "1.1", HttpHeaders(), 0.1, NODE)
        exc = kind("what the driver says", meta, {"error": {"type": "some_exception", "reason": "what it says"}})
    error = DOING.explain(exc)
    assert type(error) is DRIVER_ERRORS[kind.__name__]
    assert str(error).startswith("storing 3 entries in 'music' on Elasticsearch at http://es:9200: ")
    assert "what" in str(error)
    assert SECRET not in f"{error} {error!r}"


@pytest.mark.parametrize(
    ("status", "name", "expected"),
    [
        (404, "index_not_found_exception", CollectionNotFoundError),
        (429, "es_rejected_execution_exception", BackendUnavailableError),
        (429, "circuit_breaking_exception", BackendUnavailableError),
        (429, "cluster_block_exception", BackendWriteError),
        (403, "cluster_block_exception", BackendWriteError),
        (403, "security_exception", BackendUnavailableError),
        (400, "media_type_header_exception", BackendUnavailableError),
        (400, "document_parsing_exception", BackendWriteError),
        (400, "action_request_validation_exception", BackendWriteError),
        (409, "version_conflict_engine_exception", BackendWriteError),
        (408, "", BackendTimeoutError),
        (413, "", BackendWriteError),
        (502, "", BackendUnavailableError),
        (503, "master_not_discovered_exception", BackendUnavailableError),
        (504, "", BackendTimeoutError),
        (500, "null_pointer_exception", BackendError),
    ],
)
def test_every_answer_becomes_the_error_of_its_kind(status: int, name: str, expected: type[BackendError]) -> None:
    error = DOING.explain_answer({"error": {"type": name, "reason": "because"}, "status": status}, status)
    assert type(error) is expected
    assert "music" in str(error)


def test_the_innermost_causes_are_told() -> None:
    root = {"type": "query_shard_exception", "reason": "failed to create query"}
    cause = {"type": "x", "reason": "all shards failed", "caused_by": {"type": "y", "reason": "the very reason"}}
    wrapped = {"type": "search_phase_execution_exception", "reason": "all", "root_cause": [root], "caused_by": cause}
    text = str(DOING.explain_answer({"error": wrapped}, 400))
    assert "query_shard_exception" in text
    assert "the very reason" in text


@pytest.mark.parametrize("body", [None, "<html>busy</html>", {"error": "plain text"}, {"message": "a proxy"}, []])
def test_an_answer_that_is_no_error_of_elasticsearch_is_explained_all_the_same(body: object) -> None:
    assert type(DOING.explain_answer(body, 503)) is BackendUnavailableError


async def test_a_backend_that_is_not_connected_says_so_before_connect_and_after_close(
    settings: ElasticsearchSettings,
) -> None:
    backend = ElasticsearchBackend(settings)
    for _ in range(2):
        with pytest.raises(BackendUnavailableError, match=f"not connected to {settings.url}"):
            await backend.count("music")
        await backend.connect()
        await backend.close()


async def test_an_index_that_takes_no_writes_is_a_write_error_and_is_read_all_the_same(
    backend: ElasticsearchBackend, by_hand: AsyncElasticsearch, names: Names
) -> None:
    await backend.upsert("music", [make_entry("albums", template_id="t")])
    await by_hand.indices.put_settings(index=names.index, settings={"blocks.read_only_allow_delete": True})
    for call in (
        lambda: backend.upsert("music", [make_entry("artists")]),
        lambda: backend.upsert("music", make_entries(50)),
        lambda: backend.add_feedback("music", make_id("albums"), correct=1),
    ):
        with pytest.raises(BackendWriteError, match="takes no writes"):
            await call()
    assert await backend.count("music") == len(await closest(backend, "music")) == 1
    await by_hand.indices.put_settings(index=names.index, settings={"blocks.read_only_allow_delete": None})
    await backend.upsert("music", [make_entry("artists")])
    assert await backend.count("music") == 2


async def test_a_closed_index_is_an_error_for_every_method(
    backend: ElasticsearchBackend, by_hand: AsyncElasticsearch, names: Names
) -> None:
    await by_hand.indices.close(index=names.index)
    for call in (
        lambda: backend.upsert("music", [make_entry("x")]),
        lambda: backend.get("music", [make_id("x")]),
        lambda: closest(backend, "music"),
        lambda: backend.scroll("music"),
        lambda: backend.count("music"),
        lambda: backend.delete("music", where=Where(template_id="t")),
    ):
        with pytest.raises(BackendError, match="closed"):
            await call()


async def test_a_vector_of_another_dimension_is_a_mismatch(backend: ElasticsearchBackend) -> None:
    for dimension in (3, 20):
        with pytest.raises(CollectionMismatchError, match="another dimension"):
            await backend.upsert("music", [make_entry("x", vector=axis(0, dimension))])
        with pytest.raises(CollectionMismatchError, match="another dimension"):
            await closest(backend, "music", axis(0, dimension))


async def test_more_dimensions_than_elasticsearch_has_are_refused(backend: ElasticsearchBackend) -> None:
    with pytest.raises(BackendWriteError, match=r"\[1, 4096\]"):
        await backend.initialize("wide", type(SPEC)(dimension=4097, model_name="wide"))


async def test_an_id_that_is_too_long_is_refused_with_its_whole_batch(backend: ElasticsearchBackend) -> None:
    with pytest.raises(BackendWriteError, match="action_request_validation"):
        await backend.upsert("music", [make_entry("x"), make_entry("y", id="y" * 600)])
    assert await backend.count("music") == 0


async def test_a_cursor_of_somebody_else_is_refused(backend: ElasticsearchBackend) -> None:
    for cursor in ("", "17", "[1]", "null"):
        with pytest.raises(BackendError, match="no cursor"):
            await backend.scroll("music", cursor=cursor)


ANSWERS: dict[str, tuple[int, str, type[BackendError], str]] = {
    "wrong password": (
        401,
        '{"error": {"type": "security_exception", "reason": "no"}}',
        BackendUnavailableError,
        "_PASSWORD",
    ),
    "a proxy": (502, '{"message": "bad gateway"}', BackendUnavailableError, "_cluster/health"),
    "a page": (200, "<html>Whose salary is it?</html>", BackendError, "Does a proxy answer"),
    "another product": (200, '{"version": {"number": "8.12.2"}}', BackendUnavailableError, "not Elasticsearch"),
    "another generation": (
        400,
        '{"error": {"type": "media_type_header_exception", "reason": "Invalid media-type"}}',
        BackendUnavailableError,
        "elasticsearch.async.<9",
    ),
}


@pytest.mark.parametrize("case", ANSWERS)
async def test_a_server_that_does_not_let_us_in_is_explained_when_connecting(case: str) -> None:
    status, text, expected, advice = ANSWERS[case]
    with answering(Reply(status=status, body=text.encode())) as url:
        backend = ElasticsearchBackend(ElasticsearchSettings(url=url, username="elastic", password=SecretStr(SECRET)))
        with pytest.raises(expected, match=advice) as caught:
            await backend.connect()
        assert SECRET not in f"{caught.value} {caught.value!r}"
        assert "salary" not in str(caught.value)
        assert caught.value.__cause__ is not None
        await backend.close()


@pytest.mark.parametrize("whole", [True, False])
async def test_a_server_that_is_full_for_a_moment_is_asked_again(whole: bool) -> None:
    full = {"type": "es_rejected_execution_exception", "reason": "rejected execution of coordinating operation"}
    rejected = (
        ({"error": full, "status": 429}, 429)
        if whole
        else ({"errors": True, "items": [{"index": {"error": full}}]}, 200)
    )
    bodies = [
        ({"version": {"number": "8.12.2"}}, 200),
        rejected,
        rejected,
        ({"errors": False}, 200),
        ("nothing more to say", 503),
    ]
    headers = {"X-Elastic-Product": "Elasticsearch"}
    answers = [Reply(body=body, status=status, headers=headers) for body, status in bodies]
    with answering(*answers) as url:
        backend = ElasticsearchBackend(ElasticsearchSettings(url=url))
        await backend.connect()
        await backend.upsert("music", [make_entry("albums")])
        with pytest.raises(BackendUnavailableError, match="nothing more to say"):
            await backend.count("music")
        await backend.close()


async def test_an_old_server_is_refused() -> None:
    headers = {"X-Elastic-Product": "Elasticsearch"}
    old = Reply(body={"version": {"number": "8.11.4"}}, headers=headers)
    said = r"8\.11\.4; medha-elastic needs 8\.12"
    with answering(old) as url, pytest.raises(BackendUnavailableError, match=said):
        await ElasticsearchBackend(ElasticsearchSettings(url=url)).connect()


async def test_a_server_that_does_not_answer_is_a_timeout() -> None:
    with answering() as url:
        backend = ElasticsearchBackend(ElasticsearchSettings(url=url, request_timeout=0.05))
        with pytest.raises(BackendTimeoutError, match="MEDHA_ELASTICSEARCH_REQUEST_TIMEOUT"):
            await backend.connect()


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "localhost:9200"},
        {"url": "http://h/?x=1"},
        {"url": f"http://elastic:{SECRET}@h:9200", "api_key": "k"},
        {"username": "elastic"},
        {"password": SECRET},
        {"prefix": "Upper"},
        {"num_candidates": 10_001},
        {"hosts": "x"},
    ],
)
def test_settings_that_cannot_be_used_are_refused_without_showing_them(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        ElasticsearchSettings(**wrong)
    assert SECRET not in str(caught.value)


def test_the_password_in_an_address_is_taken_out_of_it() -> None:
    settings = ElasticsearchSettings(url="https://elastic:s%40cret@example.org/es/")
    assert settings.url == settings.address == "https://example.org:443/es"
    assert settings.username == "elastic"
    assert settings.password is not None
    assert settings.password.get_secret_value() == "s@cret"
    assert "s@cret" not in repr(settings)
    assert ElasticsearchSettings(cloud_id="medha:abc").address == "the deployment 'medha'"
