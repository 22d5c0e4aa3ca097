"""A vendor's HTTP API on this machine: checks every request, answers like the vendor, fails when it is told to."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from types import TracebackType

_AT_MOST: Final = 30.0
"""Seconds that anything here waits for something that should come at once."""


class RefusedError(Exception):
    """What the vendor's documentation forbids; raised by an author's ``answer``."""

    def __init__(self, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client sent; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the server sends: an object as JSON, bytes as they are. Without a body it cuts the connection."""

    body: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class VendorServer:
    """Serves ``answer`` on a free port of 127.0.0.1, as a context manager.

    ``answer`` gets each request, raises ``RefusedError`` for what the vendor's schema does not know, and else takes the
    vectors for its answer from ``vectors``. ``error`` makes the body of an error as the vendor writes it.
    """

    def __init__(
        self,
        answer: Callable[[VendorServer, Request], object],
        error: Callable[[int, str], object],
    ) -> None:
        self._answer = answer
        self._error = error
        self._lock = threading.Condition()
        self._replies: deque[Reply] = deque()
        self._gate = threading.Event()
        self._gate.set()
        self._connections = 0
        self._waiting = 0
        self.requests: list[Request] = []
        self.refusals: list[str] = []
        """Why requests were refused that the vendor's documentation does not allow; a sound client causes none."""
        self.embedded: list[tuple[str, bool | None]] = []
        """Every text, and whether it was sent as a document; ``None`` where the vendor makes no difference."""
        self.tokens = 0
        self.most_at_once = 0
        self.tamper: Callable[[list[list[float]]], list[list[float]]] = list
        """Changes the vectors of an answer, to plant a fault."""
        self.compress = False
        """Answer compressed, as vendors do, where the client takes that."""

    def __enter__(self) -> Self:
        vendor = self

        class Handler(_Handler):
            server_of = vendor

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Stop listening, and close what is open."""
        self.release()
        self._server.shutdown()
        self._server.close_all()
        self._server.server_close()
        self._thread.join(_AT_MOST)

    def fail(self, status: int, message: str = "as planned", **headers: str) -> None:
        """Answer the next request with an error of the vendor; a header's underscores become hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.reply(Reply(status=status, body=self._error(status, message), headers=named))

    def reply(self, *replies: Reply) -> None:
        """Answer the next requests so, after they were checked."""
        self._replies.extend(replies)

    def hold(self) -> None:
        """Let requests come in and wait for ``release``."""
        self._gate.clear()

    def release(self) -> None:
        """Answer what waits."""
        self._gate.set()

    def wait_for_requests(self, waiting: int) -> bool:
        """Block until so many requests wait for ``release``; false when they do not come."""
        with self._lock:
            return self._lock.wait_for(lambda: self._waiting >= waiting, _AT_MOST)

    def wait_until_closed(self) -> bool:
        """Block until no connection is open; false when one stays open."""
        with self._lock:
            return self._lock.wait_for(lambda: self._connections == 0, _AT_MOST)

    def vectors(self, texts: Sequence[str], dimension: int, *, is_document: bool | None = None) -> list[list[float]]:
        """A vector for each text, the same for the same text and side; notes what was embedded."""
        with self._lock:
            self.embedded += [(text, is_document) for text in texts]
            self.tokens += self.count(texts)
        return self.tamper([_vector(text, dimension, is_document) for text in texts])

    @staticmethod
    def count(texts: Sequence[str]) -> int:
        """The tokens that the vendor bills: here its words."""
        return sum(len(text.split()) for text in texts)

    # ---- what the handler calls ----

    def handle(self, request: Request) -> Reply:
        """The reply to one request."""
        with self._lock:
            self.requests.append(request)
            self._waiting += 1
            self.most_at_once = max(self.most_at_once, self._waiting)
            self._lock.notify_all()
        try:
            self._gate.wait(_AT_MOST)
            return self._reply_to(request)
        finally:
            with self._lock:
                self._waiting -= 1

    def _reply_to(self, request: Request) -> Reply:
        planned = self._replies.popleft() if self._replies else None
        try:
            answer = self._answer(self, request)
        except RefusedError as refusal:
            self.refusals.append(str(refusal))
            return Reply(status=refusal.status, body=self._error(refusal.status, str(refusal)))
        return planned or (answer if isinstance(answer, Reply) else Reply(body=answer))

    def connected(self, change: int) -> None:
        """A connection was opened or closed."""
        with self._lock:
            self._connections += change
            self._lock.notify_all()


@contextmanager
def answering(*replies: Reply) -> Generator[str]:
    """The address of a server that replies so in turn, at last always the same; without replies it never answers."""
    left = deque(replies or [Reply()])

    def answer(_: VendorServer, __: Request) -> Reply:
        return left.popleft() if len(left) > 1 else left[0]

    with VendorServer(answer, lambda status, message: f"{status}: {message}") as server:
        if not replies:
            server.hold()
        yield server.url


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.open: set[Any] = set()

    def close_all(self) -> None:
        for connection in list(self.open):
            self.shutdown_request(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of: VendorServer

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.request)  # type: ignore[attr-defined]
        self.server_of.connected(+1)

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            pass  # the client went away first, as it may
        finally:
            self.server.open.discard(self.request)  # type: ignore[attr-defined]
            self.server_of.connected(-1)

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ValueError):
            self.close_connection = True  # cut by the client, or by stop()

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            body = json.loads(raw)
        except ValueError:
            body = raw
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server_of.handle(
            Request(
                method=self.command, path=parts.path, query=dict(parse_qsl(parts.query)), headers=headers, body=body
            )
        )
        zip_it = self.server_of.compress and "gzip" in headers.get("accept-encoding", "")
        self._send(reply, zip_it=zip_it)

    do_GET = do_POST  # noqa: N815
    do_PUT = do_POST  # noqa: N815

    def _send(self, reply: Reply, *, zip_it: bool) -> None:
        if reply.body is None:
            self.close_connection = True
            return
        content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        if zip_it:
            content = gzip.compress(content, 1)
        self.send_response(reply.status)
        for name, value in {"content-type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        if zip_it:
            self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in http.server
        pass


def _vector(text: str, dimension: int, is_document: bool | None) -> list[float]:
    seed = hashlib.sha256(f"{is_document}:{text}".encode()).digest()[:8]
    drawn = np.random.default_rng(int.from_bytes(seed, "big")).normal(size=dimension)
    return [round(float(number), 6) for number in drawn]
