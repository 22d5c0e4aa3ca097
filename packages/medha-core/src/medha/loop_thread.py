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


class LoopEndedError(LifecycleError):
    """The event loop of a thread ended before a call on it did."""

    def __init__(self) -> None:
        super().__init__("the event loop of this thread has ended")


class LoopThread:
    """Runs coroutines for other threads. The thread is a daemon: a forgotten ``stop`` never hangs the interpreter."""

    def __init__(self) -> None:
        self._promises: set[Future[Any]] = set()
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._main, name="medha-loop", daemon=True)
        self._thread.start()
        self._loop, self._stopping = self._ready.result()

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the coroutine, which is cancelled when this thread is interrupted."""
        return run_on(self._loop, work)

    async def awaited(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the coroutine for a caller on another loop; where that is cancelled, so is this, to its end.

        Raises:
            LoopEndedError: ``stop`` came first.
        """
        ended: Future[None] = Future()
        future: Future[T] | None = None

        async def to_its_end() -> T:
            try:
                return await work()
            except Exception as exc:
                if future is not None and future.cancelled():
                    # there is nobody left to be told of it
                    raise asyncio.CancelledError from exc
                raise
            finally:
                ended.set_result(None)

        coroutine = to_its_end()
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError as exc:
            coroutine.close()
            raise LoopEndedError from exc
        promises = {future, ended}
        self._promises |= promises
        if not self._thread.is_alive():
            self._break_promises()
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or not task.cancelling():
                # not this task was cancelled but the one there, by ``stop``; perhaps it never began
                coroutine.close()
                raise LoopEndedError from None
            # what it takes back is taken back before the caller goes on
            await asyncio.wait({asyncio.wrap_future(ended)})
            raise
        finally:
            self._promises -= promises

    def is_current(self) -> bool:
        """Whether the caller runs on this loop."""
        return running_loop() is self._loop

    def stop(self) -> None:
        """End the loop, cancelling what still runs there."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._break_promises()

    def _break_promises(self) -> None:
        """Let nobody wait for what came when the loop was ending, and never began."""
        for promise in list(self._promises):
            promise.cancel()

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
