"""Every error that a driver may raise, for tests that none leaves a plugin untyped."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def with_subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    """The class, and all that were derived from it so far."""
    yield kind
    for sub in kind.__subclasses__():
        yield from with_subclasses(sub)


def made(kind: type[Exception], said: str = "the driver's words") -> Exception:
    """One of the kind, whatever its constructor wants."""
    error = kind.__new__(kind)
    error.args = (said,)
    return error
