"""Asking again, when that can help."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, TypeVar

from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

from medha.errors import EmbedderTimeoutError, EmbedderUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenacity import RetryCallState

    from medha.remote.settings import RemoteEmbedderSettings

T = TypeVar("T")


async def with_retries(
    call: Callable[[], Awaitable[T]],
    settings: RemoteEmbedderSettings,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """What the call returns, repeated when the fault is transient: after the wait asked for, else after a growing one.

    Raises:
        EmbedderError: the last fault; its message says how often was tried.
    """

    def wait(state: RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome else None
        if isinstance(fault, EmbedderUnavailableError) and fault.retry_after is not None:
            return fault.retry_after
        # spread, so that the processes that were throttled together do not come back together
        growing = settings.retry_wait * 2 ** (state.attempt_number - 1) * random.uniform(0.5, 1.0)  # noqa: S311
        return min(growing, settings.longest_retry_wait)

    def helps(fault: BaseException) -> bool:
        if isinstance(fault, EmbedderUnavailableError):
            return fault.transient and (fault.retry_after or 0.0) <= settings.longest_retry_wait
        return isinstance(fault, EmbedderTimeoutError)

    async def asked() -> T:
        return await call()

    trying = AsyncRetrying(
        sleep=sleep,
        stop=stop_after_attempt(settings.retries + 1),
        wait=wait,
        retry=retry_if_exception(helps),
        reraise=True,
    )
    try:
        return await trying(asked)
    except (EmbedderUnavailableError, EmbedderTimeoutError) as fault:
        attempts = trying.statistics["attempt_number"]
        if attempts > 1:
            fault.args = (f"{fault}; tried {attempts} times",)
        raise
