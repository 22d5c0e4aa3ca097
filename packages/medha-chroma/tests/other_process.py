"""Another process on the same server or folder: obeys the lines it is given, and says when each is done."""

from __future__ import annotations

import asyncio
import json
import sys

from medha import Where
from medha.errors import BackendUnavailableError
from medha_chroma import ChromaBackend, ChromaSettings
from medha_conformance.corpus import SPEC, make_entry, make_id
from medha_conformance.suite.reading import closest

TIMES = 5


async def obey(backend: ChromaBackend, order: str, label: str) -> str:
    """Do one thing with one entry, and say what came of it."""
    if order == "store":
        await backend.upsert("music", [make_entry(label)])
    elif order == "delete":
        return str(await backend.delete("music", where=Where(ids=[make_id(label)])))
    elif order == "feedback":
        for _ in range(TIMES):
            await backend.add_feedback("music", make_id(label), correct=1)
    elif order == "search":
        return ",".join(sorted(match.entry.id for match in await closest(backend, "music")))
    elif order == "store-for-ever":
        number = 0
        while True:
            await backend.upsert("music", [make_entry(f"{label}-{number}", metadata={"number": number})])
            print(number, flush=True)
            number += 1
    return "done"


async def main() -> None:
    """Connect with the settings in the arguments, and obey until the input ends."""
    backend = ChromaBackend(ChromaSettings(**json.loads(sys.argv[1])))
    try:
        await backend.connect()
    except BackendUnavailableError as exc:
        print(f"unavailable: {exc}", flush=True)
    else:
        await backend.initialize("music", SPEC)
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            order, _, label = line.strip().partition(" ")
            print(await obey(backend, order, label), flush=True)
    await backend.close()


if __name__ == "__main__":
    asyncio.run(main())
