"""Whether a call leaves the event loop to others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")


async def while_ticking(call: Awaitable[T]) -> tuple[T, int]:
    """What the call returns, and how often the event loop turned meanwhile."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    heart = asyncio.create_task(tick())
    try:
        return await call, ticks
    finally:
        heart.cancel()
