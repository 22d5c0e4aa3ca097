"""The driver and Arrow, which have no types of their own that a checker understands."""

from __future__ import annotations

from typing import Any, Final, TypeAlias, cast

import lancedb
import pyarrow as arrow  # noqa: ICN001 - pa has the same without types

pa: Final[Any] = arrow
connect: Final[Any] = cast("Any", lancedb).connect_async

Rows: TypeAlias = Any
"""A ``pyarrow.Table``."""
Schema: TypeAlias = Any
"""A ``pyarrow.Schema``."""
