"""Another process on the same folder, which merges when it is told to, and stands still in the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from medha_conformance.processes import Orders, next_line, say, serve

if TYPE_CHECKING:
    from medha_lancedb.collection import Collection


class MergingOrders(Orders):
    async def merge(self, moment: str) -> None:
        """Merge what waits, and stand still at a moment until the next line comes."""
        collection = cast("Collection", cast("Any", self.backend)._known["music"])
        before = moment == "before-the-table"
        target, name = (collection.table, "store") if before else (cast("Any", collection)._buffer, "remove")
        going_on = getattr(target, name)

        async def standing(*arguments: Any, **kind: Any) -> None:
            say("standing")
            await next_line()
            await going_on(*arguments, **kind)

        setattr(target, name, standing)
        await collection.merge()
        setattr(target, name, going_on)


if __name__ == "__main__":
    serve(MergingOrders)
