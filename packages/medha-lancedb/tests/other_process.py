"""Another process on the same folder: obeys the lines it is given, and says when each is done."""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from medha import Where
from medha_conformance.corpus import SPEC, make_entry, make_id
from medha_conformance.suite.reading import closest
from medha_lancedb import LanceBackend, LanceSettings

if TYPE_CHECKING:
    from medha_lancedb.collection import Collection

TASKS = 8


async def store_for_ever(backend: LanceBackend, label: str, numbers: count[int]) -> None:
    """Store one entry after the other, and say of each when it is acknowledged."""
    while True:
        number = next(numbers)
        await backend.upsert("music", [make_entry(f"{label}-{number}", metadata={"number": number})])
        print(number, flush=True)


async def merge(backend: LanceBackend, moment: str) -> str:
    """Merge what waits, and stand still at a moment until the next line comes."""
    collection = cast("Collection", cast("Any", backend)._known["music"])
    before = moment == "before-the-table"
    target, name = (collection.table, "store") if before else (cast("Any", collection)._buffer, "remove")
    going_on = getattr(target, name)

    async def standing(*arguments: Any, **kind: Any) -> None:
        print("standing", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await going_on(*arguments, **kind)

    setattr(target, name, standing)
    await collection.merge()
    setattr(target, name, going_on)
    return "done"


async def obey(backend: LanceBackend, order: str, label: str) -> str:
    """Do one thing with one entry, and say what came of it."""
    if order == "store":
        await backend.upsert("music", [make_entry(label)])
    elif order == "get":
        return str(len(await backend.get("music", [make_id(label)])))
    elif order == "delete":
        return str(await backend.delete("music", where=Where(ids=[make_id(label)])))
    elif order == "feedback":
        given = [await backend.add_feedback("music", make_id(label), correct=1) for _ in range(20)]
        return str(given[-1])
    elif order == "search":
        return ",".join(sorted(match.entry.id for match in await closest(backend, "music")))
    elif order == "merge":
        return await merge(backend, label)
    elif order.startswith("store-for-ever"):
        numbers = count()
        tasks = 1 if order.endswith("in-a-row") else TASKS
        await asyncio.gather(*(store_for_ever(backend, label, numbers) for _ in range(tasks)))
    return "done"


async def main() -> None:
    """Open the folder named in the arguments, and obey until the input ends."""
    merge_after = int(sys.argv[2])
    backend = LanceBackend(LanceSettings(uri=sys.argv[1], compact_after=10, keep_versions=1, merge_after=merge_after))
    await backend.connect()
    await backend.initialize("music", SPEC)
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        order, _, label = line.strip().partition(" ")
        print(await obey(backend, order, label), flush=True)
    await backend.close()


if __name__ == "__main__":
    asyncio.run(main())
