"""What was removed or replaced lately, so that a lookup that was in flight does not serve it."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_REMEMBERED: Final = 10_000


class Removals:
    """A lookup takes ``now()`` when it starts, and asks ``since`` just before it serves."""

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._remembered = remembered
        self._moment = 0
        self._everything_before = 0
        self._moments: OrderedDict[str, int] = OrderedDict()

    def now(self) -> int:
        """The present moment; it moves with every removal."""
        return self._moment

    def add(self, entry_ids: Iterable[str]) -> None:
        """These entries were removed or replaced just now."""
        self._moment += 1
        for entry_id in entry_ids:
            self._moments[entry_id] = self._moment
            self._moments.move_to_end(entry_id)
        while len(self._moments) > self._remembered:
            _, self._everything_before = self._moments.popitem(last=False)

    def add_all(self) -> None:
        """Every entry was removed just now."""
        self._moment += 1
        self._everything_before = self._moment
        self._moments.clear()

    def since(self, moment: int, entry_id: str) -> bool:
        """Whether the entry may have been removed or replaced after the moment."""
        if moment == self._moment:
            return False
        return moment < self._everything_before or self._moments.get(entry_id, 0) > moment
