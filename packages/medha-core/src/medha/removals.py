"""What was removed or replaced lately, so that a lookup that was in flight does not serve it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_REMEMBERED: Final = 10_000


class Removals:
    """A lookup takes ``now()`` when it starts, and asks ``since`` just before it serves.

    The latest removals are kept by id, in two generations of ``remembered`` each; of what is older, only the moment
    is known, and a lookup that began before it is told that everything may have been removed.
    """

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._remembered = remembered
        self._moment = 0
        self._forgotten_until = 0
        self._older_until = 0
        self._older: dict[str, int] = {}
        self._recent: dict[str, int] = {}

    def now(self) -> int:
        """The present moment; it moves with every removal."""
        return self._moment

    def add(self, entry_ids: Iterable[str]) -> None:
        """These entries were removed or replaced just now."""
        self._moment += 1
        self._recent.update(dict.fromkeys(entry_ids, self._moment))
        if len(self._recent) > self._remembered:
            self._forgotten_until, self._older_until = self._older_until, self._moment
            self._older, self._recent = self._recent, {}

    def add_all(self) -> None:
        """Every entry was removed just now."""
        self._moment += 1
        self._forgotten_until = self._older_until = self._moment
        self._older, self._recent = {}, {}

    def since(self, moment: int, entry_id: str) -> bool:
        """Whether the entry may have been removed or replaced after the moment."""
        if moment == self._moment:
            return False
        last = self._recent.get(entry_id) or self._older.get(entry_id, 0)
        return moment < self._forgotten_until or moment < last
