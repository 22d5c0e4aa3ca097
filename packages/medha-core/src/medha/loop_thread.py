"""An event loop on a thread of its own, for callers that have none or must not block theirs."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from medha.errors import LifecycleError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for other threads. The thread is a daemon: a forgotten ``stop`` never hangs the interpreter."""

    def __init__(self) -> None:
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._main, name="medha-loop", daemon=True)
        self._thread.start()
        self._loop, self._stopping = self._ready.result()

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the coroutine, which is cancelled when this thread is interrupted."""
        return run_on(self._loop, work)

    async def awaited(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the coroutine for a caller on another loop, with whose task it is cancelled.

        Raises:
            LifecycleError: ``stop`` came first.
        """
        coroutine = work()
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError as exc:
            coroutine.close()
            raise LifecycleError("the event loop of this thread has ended") from exc
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # not this task was cancelled but the one there, by ``stop``
            raise LifecycleError("the event loop of this thread has ended meanwhile") from None

    def stop(self) -> None:
        """End the loop, cancelling what still runs there."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _main(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        stopping = asyncio.Event()
        self._ready.set_result((asyncio.get_running_loop(), stopping))
        await stopping.wait()


def run_on(loop: asyncio.AbstractEventLoop, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on a loop that runs in another thread, and wait for it here.

    Raises:
        LifecycleError: the loop runs in this very thread, which would wait for itself for ever.
    """
    if running_loop() is loop:
        raise LifecycleError(
            "a blocking call on the event loop that must answer it would wait for ever; "
            "await the async method here, or use MedhaSync, which has a loop of its own"
        )
    future = asyncio.run_coroutine_threadsafe(work(), loop)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that runs in this thread, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
