"""The guard of roles: who does what to whom is told by the order of the words."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medha.guards.rule import ReadingGuard

if TYPE_CHECKING:
    from medha.guards.reading import Reading


class RolesGuard(ReadingGuard):
    """The same words must stand in the same order; whether they are the same is for other guards to say."""

    name: ClassVar[str] = "roles"

    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """The first place where the order departs: "from rome to paris", "from paris to rome"."""
        if asked.tokens == stored.tokens or sorted(asked.tokens) != sorted(stored.tokens):
            return None
        first = next(i for i, (a, b) in enumerate(zip(asked.tokens, stored.tokens, strict=True)) if a != b)
        here, there = (" ".join(tokens[max(0, first - 1) : first + 4]) for tokens in (asked.tokens, stored.tokens))
        return f"the same words in other places: '{here}' / '{there}'"
