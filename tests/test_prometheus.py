"""A real Prometheus scrapes the example and a cache with faults, and answers every query of the dashboard.

It is not on PyPI: where ``prometheus`` is not on the path (Debian's package of that name), these tests are skipped.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

PROGRAM: Final = shutil.which("prometheus")
EXAMPLES: Final = Path(__file__).parent.parent / "examples"
PANELS: Final = json.loads((EXAMPLES / "observability/grafana-dashboard.json").read_text("utf-8"))["panels"]
QUERIES: Final = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
AS_GRAFANA: Final = {"$__range": "1m", "$__rate_interval": "15s", "$collection": "shop|faulty"}
PATIENCE: Final = 60.0
FAULTY: Final = """
import asyncio
from opentelemetry import metrics
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import start_http_server
from medha import Medha
from medha.errors import BackendError
from medha.memory import MemoryBackend
from medha_otel import OtelSettings, Telemetry

async def ask():
    backend = MemoryBackend()
    async with Medha("faulty", "wordllama", backend, listeners=[Telemetry(OtelSettings(traces=False))]) as cache:
        await backend.drop_collection("faulty")
        while True:
            try:
                await cache.search("How many albums are there?")
            except BackendError:
                await asyncio.sleep(0.1)

metrics.set_meter_provider(MeterProvider([PrometheusMetricReader()]))
server, _ = start_http_server(0, "127.0.0.1")
print(f"http://127.0.0.1:{server.server_port}/metrics", flush=True)
asyncio.run(ask())
"""

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no program 'prometheus' on the path")


@contextmanager
def running(*command: str) -> Generator[str]:
    """The last word of the first line that the command prints."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1]
        finally:
            process.kill()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """Its address, with both pages scraped each second."""
    folder = tmp_path_factory.mktemp("prometheus")
    with ExitStack() as stack:
        example = str(EXAMPLES / "observed_by_prometheus.py")
        pages = [
            stack.enter_context(running(sys.executable, example, "--serve", "--port", "0")),
            stack.enter_context(running(sys.executable, "-c", FAULTY)),
        ]
        config = (EXAMPLES / "observability/prometheus.yml").read_text("utf-8").replace("5s", "1s")
        targets = json.dumps([urllib.parse.urlsplit(page).netloc for page in pages])
        (folder / "prometheus.yml").write_text(config.replace('["127.0.0.1:9464"]', targets), "utf-8")
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        command = [
            str(PROGRAM), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address={address}",
        ]  # fmt: skip
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                yield f"http://{address}"
            finally:
                process.terminate()


def ask(prometheus: str, query: str) -> list[dict[str, Any]]:
    """The series that answer the query now; none while Prometheus starts."""
    for name, value in AS_GRAFANA.items():
        query = query.replace(name, value)
    try:
        with urllib.request.urlopen(f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}") as answer:  # noqa: S310 - it says http
            return json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as exc:
        if exc.code == 503:
            return []
        pytest.fail(f"{query}: {exc.read().decode()}")
    except urllib.error.URLError:
        return []


async def answered(prometheus: str, query: str) -> list[dict[str, Any]]:
    """The series that are numbers, once there are some: a rate needs two scrapes, a quantile something to count."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        series = await asyncio.to_thread(ask, prometheus, query)
        if numbers := [one for one in series if one["value"][1] != "NaN"]:
            return numbers
        await asyncio.sleep(0.2)
    pytest.fail(f"Prometheus has no number for: {query}")


@pytest.mark.parametrize(("panel", "query"), QUERIES)
async def test_every_query_of_the_dashboard_is_answered(prometheus: str, panel: str, query: str) -> None:
    series = await answered(prometheus, query)
    assert all(float(one["value"][1]) >= 0 for one in series), panel


async def test_the_hit_rate_is_that_of_the_questions_of_the_example(prometheus: str) -> None:
    query = dict(QUERIES)["Hit rate"].replace("$collection", "shop")
    (one,) = await answered(prometheus, query)
    # of seven questions two have no answer
    assert 0.5 < float(one["value"][1]) < 0.9


async def test_faults_are_shown_by_their_type(prometheus: str) -> None:
    series = await answered(prometheus, dict(QUERIES)["Errors by type"])
    assert [one["metric"]["error_type"] for one in series] == ["CollectionNotFoundError"]
