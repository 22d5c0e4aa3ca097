"""Another process on the same folder: obeys the lines it is given, and says when each is done."""

from __future__ import annotations

import asyncio
import sys
from itertools import count

from medha import Where
from medha_conformance.corpus import SPEC, make_entry, make_id
from medha_conformance.suite.reading import closest
from medha_lancedb import LanceBackend, LanceSettings

TASKS = 8


async def store_for_ever(backend: LanceBackend, label: str, numbers: count[int]) -> None:
    """Store one entry after the other, and say of each when it is acknowledged."""
    while True:
        number = next(numbers)
        await backend.upsert("music", [make_entry(f"{label}-{number}", metadata={"number": number})])
        print(number, flush=True)


async def obey(backend: LanceBackend, order: str, label: str) -> str:
    """Do one thing with one entry, and say what came of it."""
    if order == "store":
        await backend.upsert("music", [make_entry(label)])
    elif order == "delete":
        return str(await backend.delete("music", where=Where(ids=[make_id(label)])))
    elif order == "feedback":
        given = [await backend.add_feedback("music", make_id(label), correct=1) for _ in range(20)]
        return str(given[-1])
    elif order == "search":
        return ",".join(sorted(match.entry.id for match in await closest(backend, "music")))
    elif order == "store-for-ever":
        numbers = count()
        await asyncio.gather(*(store_for_ever(backend, label, numbers) for _ in range(TASKS)))
    return "done"


async def main() -> None:
    """Open the folder named in the arguments, and obey until the input ends."""
    backend = LanceBackend(LanceSettings(uri=sys.argv[1], compact_after=10, keep_versions=1))
    await backend.connect()
    await backend.initialize("music", SPEC)
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        order, _, label = line.strip().partition(" ")
        print(await obey(backend, order, label), flush=True)
    await backend.close()


if __name__ == "__main__":
    asyncio.run(main())
