"""Asking again, when that can help."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

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
    # spread, so that the processes that were throttled together do not come back together
    growing = wait_exponential_jitter(
        initial=settings.retry_wait, max=settings.longest_retry_wait, jitter=settings.retry_wait
    )

    def wait(state: RetryCallState) -> float:
        asked_for = _retry_after(state.outcome.exception() if state.outcome else None)
        return growing(state) if asked_for is None else asked_for

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


def _retry_after(fault: BaseException | None) -> float | None:
    return fault.retry_after if isinstance(fault, EmbedderUnavailableError) else None
