"""A call to a plugin: it has a deadline, and whatever goes wrong in it becomes a typed error."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from medha.errors import MedhaError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


async def within(
    timeout: float | None,  # noqa: ASYNC109 - it is the deadline's, and told apart from a driver's own
    call: Awaitable[T],
    *,
    late: Callable[[], MedhaError],
    failed: Callable[[str], MedhaError],
) -> T:
    """What the call returns; after ``timeout`` seconds it is cancelled, and the error is that of ``late``.

    What is no ``MedhaError`` becomes that of ``failed``, which gets its kind and words.
    """
    deadline = asyncio.timeout(timeout)
    try:
        async with deadline:
            return await call
    except MedhaError:
        raise
    except Exception as exc:
        # a driver has timeouts of its own
        raise (late() if deadline.expired() else failed(f"{type(exc).__name__}: {exc}")) from exc
