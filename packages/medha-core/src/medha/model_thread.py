"""One thread in which a model is loaded and works, for plugins whose library blocks."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

from medha.errors import LifecycleError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Model = TypeVar("Model")
Item = TypeVar("Item")
Result = TypeVar("Result")


class ModelThread(Generic[Model]):
    """Loads a model, runs its work in turn, and lets go of it; the event loop goes on meanwhile.

    ``owner`` is who works there, as an error names it: ``the spaCy extractor``.
    """

    def __init__(self, owner: str, *, name: str, load: Callable[[], Model]) -> None:
        self._owner = owner
        self._name = name
        self._load = load
        self._pool: ThreadPoolExecutor | None = None
        self._loading: asyncio.Future[Model] | None = None

    @property
    def model(self) -> Model:
        """What was loaded.

        Raises:
            LifecycleError: not connected.
        """
        if self._loading is None or not self._loading.done():
            raise LifecycleError(f"{self._owner} works between connect() and close(); connect it first")
        return self._loading.result()

    async def connect(self) -> Model:
        """Load the model; harmless when it is loaded.

        A load that takes longer than its caller waits goes on, and a later call finds it. One that fails leaves
        nothing behind, and a later call loads again.
        """
        if self._loading is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix=self._name)
            self._loading = asyncio.get_running_loop().run_in_executor(self._pool, self._load)
            # when nobody waits any more, its failure is nobody's either
            self._loading.add_done_callback(lambda done: done.cancelled() or done.exception())
        loading = self._loading
        try:
            return await asyncio.shield(loading)
        except asyncio.CancelledError:
            raise
        except BaseException:
            if self._loading is loading:
                await self.close()
            raise

    async def close(self) -> None:
        """Let the work that was handed in end, then let go of the model."""
        pool, self._pool, self._loading = self._pool, None, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown)

    async def run(self, work: Callable[[Model], Result]) -> Result:
        """The result of the work, which has the thread to itself.

        Raises:
            LifecycleError: not connected.
        """
        model = self.model
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, model)

    async def run_in_batches(
        self, items: Sequence[Item], size: int, work: Callable[[Model, list[Item], int], Result]
    ) -> list[Result]:
        """The result of each batch; others have their turn between them.

        ``work`` gets the model, at most ``size`` items, and how many came before them.
        """
        results: list[Result] = []
        for first in range(0, len(items), size):
            batch = list(items[first : first + size])
            results.append(await self.run(lambda model, batch=batch, first=first: work(model, batch, first)))
        return results
