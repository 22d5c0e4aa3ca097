"""The same work asked for by many tasks at the same moment is done once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    result: T


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


class SingleFlight(Generic[T]):
    """The first task to ask leads; those that ask meanwhile get its result.

    A leader that is cancelled never harms the others: the next of them leads. With ``share_failure`` they get the
    leader's exception, else the next of them leads after a failure too.
    """

    def __init__(self, *, share_failure: bool) -> None:
        self._share_failure = share_failure
        self._flights: dict[Hashable, asyncio.Future[_Done[T] | _Failed]] = {}

    async def run(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """The result of ``work``, done here or by the task that leads for the key."""
        while (flight := self._flights.get(key)) is not None:
            outcome = await asyncio.shield(flight)
            if isinstance(outcome, _Done):
                return outcome.result
            if self._share_failure and isinstance(outcome.error, Exception):
                raise outcome.error
        return await self._lead(key, work)

    async def _lead(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        try:
            result = await work()
        except BaseException as exc:
            flight.set_result(_Failed(exc))
            raise
        else:
            flight.set_result(_Done(result))
            return result
        finally:
            del self._flights[key]
