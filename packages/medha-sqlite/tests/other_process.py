"""Another process on the same file: obeys the lines it is given, and says when each is done."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from medha import Where
from medha_conformance.corpus import SPEC, make_entry, make_id
from medha_conformance.suite.reading import closest
from medha_sqlite import SqliteBackend, SqliteSettings

BATCH = 5


async def obey(backend: SqliteBackend, order: str, label: str) -> str:
    """Do one thing with one entry, and say what came of it."""
    if order == "store":
        await backend.upsert("music", [make_entry(label)])
    elif order == "delete":
        return str(await backend.delete("music", where=Where(ids=[make_id(label)])))
    elif order == "feedback":
        return str(await backend.add_feedback("music", make_id(label), correct=1))
    elif order == "search":
        return ",".join(sorted(match.entry.id for match in await closest(backend, "music")))
    elif order == "store-for-ever":
        number = 0
        while True:
            labels = [f"{label}-{number}-{part}" for part in range(BATCH)]
            await backend.upsert("music", [make_entry(one, metadata={"batch": number}) for one in labels])
            print(number, flush=True)
            number += 1
    return "done"


async def main() -> None:
    """Open the file named in the arguments, and obey until the input ends."""
    backend = SqliteBackend(SqliteSettings(path=Path(sys.argv[1]), busy_timeout=30))
    await backend.connect()
    await backend.initialize("music", SPEC)
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        order, _, label = line.strip().partition(" ")
        print(await obey(backend, order, label), flush=True)
    await backend.close()


if __name__ == "__main__":
    asyncio.run(main())
