"""Vectors out of an answer's JSON, in a thread that lets others run.

The parsers under the SDKs read all numbers of an answer in one call of C, or put each into a model: tens of
milliseconds in which nothing else runs, whatever the thread. So a plugin reads the answer itself, or takes the numbers
out of it before its SDK sees it.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Sequence

    from medha.models import Vector

_INLINE_BYTES: Final = 20_000
"""What is read in less than a millisecond; more is read in a thread."""
_VECTORS: Final[ContextVar[list[Vector]]] = ContextVar("the vectors of the request of this task")


def loads(body: bytes, field: str, change: Callable[[Any], Any]) -> Any:
    """The JSON, each value under ``field`` as ``change`` returns it.

    Raises:
        ValueError: it is not JSON.
    """

    def changed(found: dict[str, Any]) -> dict[str, Any]:
        if field in found:
            found[field] = change(found[field])
        return found

    # functions of Python, at whose calls the interpreter passes to a thread that waits
    return json.loads(body, object_hook=changed, parse_float=_number)


def to_vector(numbers: Any) -> Vector:
    """The list as an array.

    Raises:
        ValueError: it is no list of numbers.
    """
    import numpy as np

    if not _are_numbers(numbers):
        raise ValueError("a vector is no list of numbers")
    return np.array(numbers, dtype=np.float32)


@contextmanager
def collected_vectors() -> Generator[list[Vector]]:
    """The list to which ``set_aside`` adds within: the vectors of a request, in the order of its answer."""
    vectors: list[Vector] = []
    token = _VECTORS.set(vectors)
    try:
        yield vectors
    finally:
        _VECTORS.reset(token)


class Streamed(Protocol):
    """An answer of an HTTP client whose body has not been read."""

    headers: Any

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        """The body, as it comes."""
        ...

    async def aclose(self) -> None:
        """Give the connection back."""
        ...


async def read_apart(response: Streamed, field: str) -> bytes:
    """The body as ``set_aside`` leaves it; the headers that describe it as it came are removed."""
    try:
        chunks = [chunk async for chunk in response.aiter_bytes()]
    finally:
        await response.aclose()
    for name in ("content-encoding", "content-length", "transfer-encoding"):
        response.headers.pop(name, None)
    return await set_aside(chunks, field)


async def set_aside(chunks: Sequence[bytes], field: str) -> bytes:
    """The body with empty lists for the vectors under ``field``; what is no JSON, or has none, stays as it is."""
    if sum(map(len, chunks)) > _INLINE_BYTES:
        return await asyncio.to_thread(_take_out, chunks, field)
    return _take_out(chunks, field)


def _take_out(chunks: Sequence[bytes], field: str) -> bytes:
    body = b"".join(chunks)
    vectors = _VECTORS.get()

    def take(value: Any) -> Any:
        if _are_numbers(value):
            vectors.append(to_vector(value))
            return []
        values = cast("list[Any]", value) if isinstance(value, list) else []
        return (
            [take(numbers) for numbers in values] if values and all(map(_are_numbers, values)) else cast("Any", value)
        )

    try:
        rest = loads(body, field, take)
    except (ValueError, RecursionError):
        # the SDK says what is wrong with it
        vectors.clear()
        return body
    return json.dumps(rest).encode() if vectors else body


def _are_numbers(value: Any) -> bool:
    kinds: set[type] = set(map(type, cast("list[Any]", value))) if isinstance(value, list) else set()
    return bool(kinds) and kinds <= {float, int}


def _number(digits: str) -> float:
    return float(digits)
