"""Mistral's embedding models, as its documentation has them."""

from __future__ import annotations

from typing import Final

from medha.remote import RemoteModel

_EMBED: Final = RemoteModel(dimension=1024, tokens=8192, cost=0.10)
_CODESTRAL: Final = RemoteModel(dimension=1536, sizes=range(1, 3073), tokens=8192, cost=0.15)

MODELS: Final = {
    "mistral-embed": _EMBED,
    "mistral-embed-2312": _EMBED,
    "codestral-embed": _CODESTRAL,
    "codestral-embed-2505": _CODESTRAL,
}
"""What is not here is asked for its dimension."""

MOST_TEXTS: Final = 256
MOST_TOKENS: Final = 16_384
