"""Batches of an iterator, taken off the event loop."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


async def next_batch(items: Iterator[T], size: int) -> list[T]:
    """Taken in a thread; when cancelled it waits for the thread, since a generator in use cannot be closed."""
    taking = asyncio.ensure_future(asyncio.to_thread(lambda: list(islice(items, size))))
    try:
        return await asyncio.shield(taking)
    except asyncio.CancelledError:
        await asyncio.gather(taking, return_exceptions=True)
        raise
