"""A write that nobody waits for any more goes on, and is waited for by whoever comes next to its collection."""

from __future__ import annotations

import asyncio

import pytest

from medha.writes import WritesByCollection


class Write:
    """One that lasts until it may end, of which a caller has stopped to wait."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        await self.may_end.wait()
        raise OSError("that nobody is left to hear of")

    async def abandoned(self, writes: WritesByCollection, collection: str) -> None:
        caller = asyncio.create_task(writes.to_the_end(collection, self.task))
        await asyncio.sleep(0)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller


async def test_only_calls_on_the_collection_of_an_abandoned_write_wait_for_it() -> None:
    writes, write = WritesByCollection(), Write()
    await write.abandoned(writes, "music")
    await writes.settled("films")
    waiting = asyncio.create_task(writes.settled("music"))
    await asyncio.sleep(0)
    assert not waiting.done()
    write.may_end.set()
    await waiting
    assert write.task.done()
    await writes.settled("music")


async def test_what_was_abandoned_is_broken_off_when_the_connection_closes() -> None:
    writes, several = WritesByCollection(), [Write(), Write()]
    for write in several:
        await write.abandoned(writes, "music")
    await writes.break_off()
    assert all(write.task.cancelled() for write in several)
    await writes.settled("music")


async def test_who_goes_on_waiting_gets_what_the_write_returned_or_raised() -> None:
    writes, write = WritesByCollection(), Write()
    write.may_end.set()
    with pytest.raises(OSError, match="nobody"):
        await writes.to_the_end("music", write.task)
