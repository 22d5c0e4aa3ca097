"""The servers that tests need: which there are, and where one is found."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from medha_conformance.sources import Container, PortAfter, PostgresWheel, ServiceAbsentError, Source, Variable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

__all__ = ["SERVICES", "Servers", "Service", "ServiceAbsentError", "register_service", "unknown_services"]


@dataclass(frozen=True, slots=True)
class Service:
    """One kind of server, under the name that a suite's ``service`` and ``--require-services`` use."""

    name: str
    variable: str
    """The environment variable that holds the address of a running one; it is looked at first."""
    others: tuple[Source, ...] = ()
    """Where to look next, in this order."""


SERVICES: Final[dict[str, Service]] = {}
"""Every service that is known, by its name."""


def register_service(service: Service) -> None:
    """Make a service known; authors do it in the ``conftest.py`` of their tests.

    Raises:
        ValueError: another service has the name.
    """
    known = SERVICES.setdefault(service.name, service)
    if known != service:
        raise ValueError(
            f"a service {service.name!r} is known already: {known}. Give yours another name, "
            f"or set {known.variable} to the address of a running one"
        )


def unknown_services(names: Iterable[str]) -> list[str]:
    """Those of the names that no service has."""
    return sorted(set(names) - set(SERVICES))


class Servers:
    """Finds servers, starts what has to be started, and stops that, and only that, when it is left."""

    def __init__(self) -> None:
        self._running = ExitStack()
        self._found: dict[str, str | ServiceAbsentError] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running.close()

    def find(self, name: str) -> str:
        """The address of a running server; the same one each time.

        Raises:
            ServiceAbsentError: none of the places had one.
        """
        if name not in self._found:
            self._found[name] = self._look_for(name)
        found = self._found[name]
        if isinstance(found, ServiceAbsentError):
            raise found
        return found

    def _look_for(self, name: str) -> str | ServiceAbsentError:
        service = SERVICES.get(name)
        if service is None:
            return ServiceAbsentError(f"no service is called {name!r}; there are {', '.join(sorted(SERVICES))}")
        reasons: list[str] = []
        for source in (Variable(service.variable), *service.others):
            with ExitStack() as started:
                try:
                    with warnings.catch_warnings():
                        # what a server's own library warns of is not what the tests are about
                        warnings.simplefilter("ignore")
                        address = source.open(started)
                except ServiceAbsentError as exc:
                    reasons.append(str(exc))
                    continue
                self._running.push(started.pop_all())
                return address
        return ServiceAbsentError(f"the service {name!r} is not there: {'; '.join(reasons)}")


for _service in (
    Service(
        "pgvector",
        "MEDHA_TEST_PGVECTOR_URL",
        (
            Container(
                "pgvector/pgvector:pg17",
                5432,
                "database system is ready to accept connections",
                "postgresql://postgres@{host}:{port}/postgres",
                {"POSTGRES_HOST_AUTH_METHOD": "trust"},
                times=2,  # the first time it is only setting itself up
            ),
            PostgresWheel(),
        ),
    ),
    Service(
        "vectorchord",
        "MEDHA_TEST_VECTORCHORD_URL",
        (
            Container(
                "tensorchord/vchord-postgres",
                5432,
                "database system is ready to accept connections",
                "postgresql://postgres@{host}:{port}/postgres",
                {"POSTGRES_HOST_AUTH_METHOD": "trust"},
                times=2,
            ),
        ),
    ),
    Service(
        "redis",
        "MEDHA_TEST_REDIS_URL",
        (
            Container(
                "redis/redis-stack-server:7.4.0-v8",
                6379,
                "Ready to accept connections",
                "redis://{host}:{port}/0",
            ),
        ),
    ),
    Service(
        "qdrant",
        "MEDHA_TEST_QDRANT_URL",
        (Container("qdrant/qdrant:v1.16.3", 6333, "Qdrant HTTP listening", "http://{host}:{port}"),),
    ),
    Service(
        "qdrant-grpc",
        "MEDHA_TEST_QDRANT_GRPC_URL",
        (
            PortAfter("MEDHA_TEST_QDRANT_URL"),
            Container("qdrant/qdrant:v1.16.3", 6334, "Qdrant gRPC listening", "http://{host}:{port}"),
        ),
    ),
    Service(
        "elasticsearch",
        "MEDHA_TEST_ELASTICSEARCH_URL",
        (
            Container(
                "elasticsearch:8.12.2",
                9200,
                r"current\.health=\"(GREEN|YELLOW)\"|\bstarted\b",
                "http://{host}:{port}",
                {
                    "discovery.type": "single-node",
                    "xpack.security.enabled": "false",
                    "ES_JAVA_OPTS": "-Xms512m -Xmx512m",
                },
            ),
        ),
    ),
    Service(
        "weaviate",
        "MEDHA_TEST_WEAVIATE_URL",
        (
            Container(
                "semitechnologies/weaviate:1.30.0",
                8080,
                "Serving weaviate at",
                "http://{host}:{port}",
                {
                    "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "true",
                    "PERSISTENCE_DATA_PATH": "/var/lib/weaviate",
                    "DEFAULT_VECTORIZER_MODULE": "none",
                    "CLUSTER_HOSTNAME": "node1",
                },
                bound=(50051,),  # gRPC
            ),
        ),
    ),
    Service("azure-search", "MEDHA_TEST_AZURE_SEARCH_URL"),
    Service(
        "chroma",
        "MEDHA_TEST_CHROMA_URL",
        (Container("chromadb/chroma:1.5.9", 8000, "Connect to Chroma at|Application startup", "http://{host}:{port}"),),
    ),
):
    register_service(_service)
