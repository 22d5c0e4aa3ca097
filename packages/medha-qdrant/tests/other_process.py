"""Another process on the same server: opens the collection, counts feedback, and says what came of it."""

from __future__ import annotations

import asyncio
import sys

from medha_conformance.corpus import SPEC, make_id
from medha_qdrant import QdrantBackend, QdrantSettings


async def main() -> None:
    """Arguments: address, prefix, whether to speak gRPC, collection, label of the entry, how often."""
    url, prefix, grpc, collection, label, times = sys.argv[1:]
    backend = QdrantBackend(QdrantSettings(url=url, prefix=prefix, prefer_grpc=grpc == "grpc"))
    await backend.connect()
    await backend.initialize(collection, SPEC)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    given = [await backend.add_feedback(collection, make_id(label), correct=1) for _ in range(int(times))]
    print(",".join(str(counters[0]) for counters in given if counters), flush=True)
    await backend.close()


if __name__ == "__main__":
    asyncio.run(main())
