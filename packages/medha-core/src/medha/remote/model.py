"""What is known of a vendor's models before the first request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medha.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medha.remote.faults import Vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteModel:
    """A model's dimension, limits and list price; ``None`` is unknown.

    ``sizes`` are the other dimensions it can be asked for: some numbers, or a range. ``tokens`` is the most that it
    reads of one text. ``cost`` is in US dollars per million tokens.
    """

    dimension: int | None = None
    sizes: tuple[int, ...] | range = ()
    tokens: int | None = None
    cost: float | None = None


UNKNOWN = RemoteModel()


def known_model(models: Mapping[str, RemoteModel], name: str, dimension: int | None, vendor: Vendor) -> RemoteModel:
    """The entry of the table, or one that knows nothing: its dimension is then asked for by a probe.

    Raises:
        ConfigurationError: the model cannot make vectors of the dimension asked for.
    """
    model = models.get(name, UNKNOWN)
    if dimension is None or model.dimension is None or dimension == model.dimension or dimension in model.sizes:
        return model
    sizes = model.sizes
    choice = f"{sizes.start} to {sizes.stop - 1}" if isinstance(sizes, range) else ", ".join(map(str, sizes))
    raise ConfigurationError(
        f"{vendor.prefix}DIMENSION: {vendor.name}'s {name!r} makes vectors of {model.dimension} components"
        + (f", or of {choice} where asked" if sizes else "")
        + f", not of {dimension}"
    )
