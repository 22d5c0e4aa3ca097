"""Which version of a server answers at an address, asked with nothing but a socket."""

from __future__ import annotations

import json
import socket
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from medha_conformance.addresses import socket_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WITHIN: Final = 5.0
_PROTOCOL_3: Final = 196608


def server_version(address: str) -> str | None:
    """The version, where the server says it to whoever asks; ``None`` where it does not."""
    ask = _ASKING.get(urlsplit(address).scheme)
    if ask is None:
        return None
    try:
        return ask(address)
    except (OSError, ValueError, LookupError):
        # not speaking to strangers is no fault of a server
        return None


def _over_http(address: str) -> str | None:
    with urllib.request.urlopen(address, timeout=_WITHIN) as reply:  # noqa: S310 - http and https only
        answer: dict[str, Any] = json.load(reply)
    if "version" not in answer:
        # Weaviate's first page lists others
        with urllib.request.urlopen(f"{address}/v1/meta", timeout=_WITHIN) as reply:  # noqa: S310
            answer = json.load(reply)
    version: Any = answer["version"]
    # Elasticsearch says more than a number
    return version if isinstance(version, str) else str(version["number"])


def _of_redis(address: str) -> str | None:
    parts = urlsplit(address)
    with closing(socket.create_connection((parts.hostname or "localhost", parts.port or 6379), _WITHIN)) as client:
        client.sendall(b"INFO server\r\nQUIT\r\n")
        answer = _rest(client).decode(errors="replace")
    lines = dict(line.split(":", 1) for line in answer.splitlines() if ":" in line)
    return lines.get("redis_version")


def _of_postgres(address: str) -> str | None:
    parts = urlsplit(address)
    folder, port = socket_folder(address), parts.port or 5432
    with socket.socket(socket.AF_INET if folder is None else socket.AF_UNIX) as client:
        client.settimeout(_WITHIN)
        client.connect((parts.hostname or "localhost", port) if folder is None else f"{folder}/.s.PGSQL.{port}")
        options = f"user\0{parts.username or 'postgres'}\0database\0{parts.path[1:] or 'postgres'}\0\0".encode()
        client.sendall((len(options) + 8).to_bytes(4) + _PROTOCOL_3.to_bytes(4) + options)
        with client.makefile("rb") as replies:
            # the parameters come after the login, and before the server waits for a statement
            while (kind := replies.read(1)) not in {b"", b"Z", b"E"}:
                body = replies.read(int.from_bytes(replies.read(4)) - 4)
                if kind == b"S" and body.startswith(b"server_version\0"):
                    return body.split(b"\0")[1].decode()
    return None


def _rest(client: socket.socket) -> bytes:
    received = b""
    while chunk := client.recv(1 << 16):
        received += chunk
    return received


_ASKING: Final[Mapping[str, Callable[[str], str | None]]] = {
    "http": _over_http,
    "https": _over_http,
    "redis": _of_redis,
    "postgresql": _of_postgres,
    "postgres": _of_postgres,
}
