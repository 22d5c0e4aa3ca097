"""The example of a reviewer that asks a language model, against a real HTTP server that plays the endpoint."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from medha import Medha, SearchStrategy, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parent.parent / "examples" / "llm_judge.py"
STORED = "What is the revenue of each shop this year?"
ASKED = "What is the revenue of each store this year?"

NO = '{"same": false, "reason": "income is profit"}'


class Endpoint(BaseHTTPRequestHandler):
    """Checks each request against the chat-completions schema, and replies what the test wants."""

    replies: list[Any]
    seen: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/chat/completions"
        assert self.headers["Content-Type"] == "application/json"
        assert set(body) <= {"model", "messages", "temperature", "response_format"}
        assert [set(message) for message in body["messages"]] == [{"role", "content"}]
        assert body["response_format"] == {"type": "json_object"}
        self.seen.append(body | {"authorization": self.headers["Authorization"]})
        status, content = self.replies.pop(0) if self.replies else (200, NO)
        answer = json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep the test's output clean."""


@pytest.fixture
def server() -> Iterator[str]:
    Endpoint.replies, Endpoint.seen = [], []
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}/v1"
        served.shutdown()
        thread.join()


@pytest.fixture
def example() -> Any:
    spec = spec_from_file_location("llm_judge", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def ask(judge: Any, **settings: Any) -> Any:
    async with Medha("shop", "wordllama", settings=Settings(**settings), reviewers=[judge]) as cache:
        await cache.store(STORED, "SELECT shop, sum(total) FROM sale GROUP BY shop")
        return await cache.search(ASKED)


async def test_a_clear_yes_serves_the_candidate(server: str, example: Any) -> None:
    Endpoint.replies = [(200, '{"same": true, "reason": "shops are stores"}')]
    hit = await ask(example.LlmJudge(example.endpoint(server, "small", SecretStr("k3y"))))
    assert hit.strategy is SearchStrategy.REVIEWED_MATCH
    (seen,) = Endpoint.seen
    assert (seen["model"], seen["temperature"], seen["authorization"]) == ("small", 0, "Bearer k3y")
    prompt = seen["messages"][0]["content"]
    assert all(text in prompt for text in (STORED, ASKED, "SELECT shop"))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ((200, '{"same": false, "reason": "earnings are profit"}'), "the model says no: earnings are profit"),
        ((200, '{"same": "true", "reason": "x"}'), "the model says no"),
        ((200, '{"same": true}'), "did not reply in the form"),
        ((200, "Yes, they are the same."), "did not reply in the form"),
        ((200, '```json {"same": true, "reason": "x"} ```'), "did not reply in the form"),
        ((200, "[true]"), "did not reply in the form"),
        ((200, None), "did not reply in the form"),
        ((500, '{"same": true, "reason": "x"}'), "the reviewer failed: HTTPError"),
    ],
)
async def test_anything_else_is_a_rejection(server: str, example: Any, reply: Any, reason: str) -> None:
    Endpoint.replies = [reply]
    hit = await ask(example.LlmJudge(example.endpoint(server, "small", SecretStr(""))))
    assert not hit
    assert reason in hit.reason
    assert Endpoint.seen[0]["authorization"] is None


def test_the_example_serves_other_words_and_nothing_else(server: str) -> None:
    Endpoint.replies = [(200, '{"same": true, "reason": "shops are stores"}')]
    command = [sys.executable, EXAMPLE, "--url", server]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "What is the revenue of each store this year? -> reviewed_match",
        "What is the income of each shop this year? -> no_match",
        "What is the revenue of each shop last year? -> no_match",
        "rejected by the model: 1",
    ]
    assert len(Endpoint.seen) == 2, "last year is another date: no model is asked"


async def test_an_endpoint_that_is_down_is_a_rejection(example: Any) -> None:
    hit = await ask(example.LlmJudge(example.endpoint("http://127.0.0.1:1/v1", "small", SecretStr(""))))
    assert not hit
    assert "the reviewer failed: URLError" in hit.reason


async def test_a_function_of_ones_own_may_be_async_or_not(example: Any) -> None:
    async def later(_: str) -> str:
        return '{"same": true, "reason": "x"}'

    def now(_: str) -> str:
        return '{"same": true, "reason": "x"}'

    assert await ask(example.LlmJudge(later))
    assert await ask(example.LlmJudge(now))
