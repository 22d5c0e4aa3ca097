"""What is learnt from the entries."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from medha.answers import LEARNED_TAG
from medha.checks import check_metadata
from medha.facade.life import Life

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any


class LearningCalls(Life):
    """Learned templates need no calls; these help them along."""

    async def load_values(
        self, column: str, values: Iterable[str], *, metadata: Mapping[str, Any] | None = None
    ) -> int:
        """Tell which texts a column holds, so that learned templates take them; returns how many were new.

        ``column`` is ``table.column`` as queries name it. ``metadata`` is the scope that they are for, by default every
        scope. They are kept until the cache is closed.

        Raises:
            InvalidInputError: the column or a value is refused; none was taken.
            L1Error: they were taken, but L1 may still serve answers from before.
        """
        from medha.learned.catalog import known_values

        scope = None if metadata is None else check_metadata(metadata)
        parts = self._live.parts
        known = await asyncio.to_thread(known_values, column, values)
        if parts.learning is None:
            return 0
        new = parts.learning.give(known, scope)
        if new and parts.answers is not None:
            # a value may be another thing, now that this column holds it
            await parts.answers.withdraw([LEARNED_TAG])
        return new

    async def wait_until_learned(self) -> int:
        """Wait until everything stored so far is learnt, as after a bulk write; returns how many entries taught.

        Raises:
            BackendError: the entries could not be read.
        """
        learning = self._live.parts.learning
        if learning is None:
            return 0
        await learning.learned()
        return len(learning)
