"""Blocking calls on a cache, for code that has no event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from medha.errors import LifecycleError
from medha.loop_thread import LoopThread, run_on

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class Blocker:
    """Runs a cache's coroutines on the loop it was started on, or on a thread of its own, and waits for them."""

    def __init__(self, start: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._start = start
        self._started_on: asyncio.AbstractEventLoop | None = None
        self._thread: LoopThread | None = None
        self._starting = threading.Lock()
        self._stopped = False

    def bind(self) -> None:
        """The cache was started on the running loop."""
        self._started_on = asyncio.get_running_loop()
        self._stopped = False

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the coroutine; a cache that was never started is started first.

        Raises:
            LifecycleError: stopped, or called on the very loop that would have to answer.
        """
        if self._started_on is not None and self._started_on.is_running():
            return run_on(self._started_on, work)
        with self._starting:
            if self._stopped:
                raise LifecycleError("the cache is closed; start it again, or make a new one")
            if self._thread is None:
                self._thread = LoopThread()
            thread = self._thread
            if self._started_on is None:
                thread.run(self._start)
        return thread.run(work)

    def stop(self, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Close the cache, and end the thread if there is one; only ``bind`` makes it usable again."""
        if self._started_on is not None:
            self.run(close)
        self._stopped = True
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        self._started_on = None
