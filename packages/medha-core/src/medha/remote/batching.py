"""Texts as requests that a vendor takes: few enough, and small enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medha.errors import EmbedderInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medha.remote.faults import Vendor


def size_of(text: str, place: int, vendor: Vendor) -> int:
    """The most tokens that the text can be: its UTF-8 bytes, for no tokenizer makes several tokens of one byte.

    Raises:
        EmbedderInputError: it holds a lone surrogate, which no request can carry.
    """
    try:
        return len(text.encode())
    except UnicodeEncodeError as exc:
        raise EmbedderInputError(
            f"text {place} for {vendor.name} holds a lone surrogate at position {exc.start}: it was decoded wrongly"
        ) from None


def cut(text: str, most: int) -> str:
    """The longest beginning of at most so many bytes that ends between two characters."""
    return text.encode()[:most].decode(errors="ignore")


def split(sizes: Sequence[int], *, texts: int, tokens: int | None) -> Iterator[slice]:
    """Consecutive slices within both limits; one text that is over ``tokens`` alone is a slice of its own."""
    start = total = 0
    for place, size in enumerate(sizes):
        full = place - start == texts or (tokens is not None and total + size > tokens)
        if full and place > start:
            yield slice(start, place)
            start, total = place, 0
        total += size
    if start < len(sizes):
        yield slice(start, len(sizes))
