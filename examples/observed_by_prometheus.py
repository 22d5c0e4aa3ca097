"""A cache whose lookups Prometheus scrapes.

python examples/observed_by_prometheus.py              asks some questions and prints what Prometheus would read
python examples/observed_by_prometheus.py --serve      goes on asking, until Ctrl-C, and serves the page on port 9464

Needs: pip install medha-core medha-wordllama medha-otel opentelemetry-sdk opentelemetry-exporter-prometheus
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import urllib.request

from opentelemetry import metrics
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import start_http_server

from medha import Medha
from medha_otel import OtelSettings, Telemetry

STORED = {
    "Which customers live in Ghent?": "SELECT name FROM customer WHERE city = 'Ghent'",
    "How many albums are there?": "SELECT count(*) FROM album",
    "List the artists": "SELECT name FROM artist ORDER BY name",
}
ASKED = (
    *STORED,
    "What customers live in Ghent?",
    "Which customers do not live in Ghent?",
    "Could you tell me how many albums there are?",
    "What did we earn last year?",
)


async def ask_for(seconds: float | None) -> None:
    """Ask everything twice; then go on with a question every so many seconds, if any are given."""
    # two thousand tokens a query, the schema included, at three dollars a million
    settings = OtelSettings(traces=False, tokens_per_query=2_000, price_per_million_tokens=3.0)
    async with Medha("shop", "wordllama", listeners=[Telemetry(settings)]) as cache:
        for question, query in STORED.items():
            await cache.store(question, query)
        for question in (*ASKED, *ASKED):
            await cache.search(question)
        if seconds is not None:
            for question in itertools.cycle(ASKED):
                await cache.search(question)
                await asyncio.sleep(seconds)


def main(port: int, *, serve: bool) -> None:
    """Serve the page, ask, and show what was counted."""
    metrics.set_meter_provider(MeterProvider([PrometheusMetricReader()]))
    server, thread = start_http_server(port, "127.0.0.1")
    address = f"http://127.0.0.1:{server.server_port}/metrics"
    try:
        if serve:
            print(f"Prometheus may scrape {address}", flush=True)
        asyncio.run(ask_for(0.1 if serve else None))
        with urllib.request.urlopen(address) as page:
            print("".join(line.decode() for line in page if line.startswith(b"medha_lookups_total")))
    except KeyboardInterrupt:
        pass
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", action="store_true", help="go on until Ctrl-C")
    parser.add_argument("--port", type=int, default=None, help="9464 with --serve, else any free one")
    given = parser.parse_args()
    main(given.port if given.port is not None else 9464 * given.serve, serve=given.serve)
