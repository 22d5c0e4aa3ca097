"""Asking again, when that can help."""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import TYPE_CHECKING, TypeVar

from medha.errors import EmbedderTimeoutError, EmbedderUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from medha.remote.settings import RemoteEmbedderSettings

T = TypeVar("T")


async def with_retries(
    call: Callable[[], Awaitable[T]],
    settings: RemoteEmbedderSettings,
    *,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> T:
    """What the call returns, repeated when the fault is transient: after the wait asked for, else after a growing one.

    Raises:
        EmbedderError: the last fault; its message says how often was tried.
    """
    for attempt in itertools.count():
        try:
            return await call()
        except (EmbedderUnavailableError, EmbedderTimeoutError) as fault:
            wait = _wait(fault, attempt, settings)
            if wait is None:
                if attempt:
                    fault.args = (f"{fault}; tried {attempt + 1} times",)
                raise
        await sleep(wait)
    raise AssertionError("unreachable: counting does not end")


def _wait(
    fault: EmbedderUnavailableError | EmbedderTimeoutError, attempt: int, settings: RemoteEmbedderSettings
) -> float | None:
    """Seconds before the next attempt; ``None`` where there is to be none."""
    if attempt >= settings.retries:
        return None
    if isinstance(fault, EmbedderUnavailableError):
        if not fault.transient:
            return None
        if fault.retry_after is not None:
            return fault.retry_after if fault.retry_after <= settings.longest_retry_wait else None
    # spread, so that the processes that were throttled together do not come back together
    growing = settings.retry_wait * 2**attempt * random.uniform(0.5, 1.0)  # noqa: S311
    return min(growing, settings.longest_retry_wait)
