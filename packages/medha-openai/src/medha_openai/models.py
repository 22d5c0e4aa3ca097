"""OpenAI's embedding models, as its documentation has them."""

from __future__ import annotations

from typing import Final

from medha.remote import RemoteModel

MODELS: Final = {
    "text-embedding-3-small": RemoteModel(dimension=1536, sizes=range(1, 1536), tokens=8192, cost=0.02),
    "text-embedding-3-large": RemoteModel(dimension=3072, sizes=range(1, 3072), tokens=8192, cost=0.13),
    "text-embedding-ada-002": RemoteModel(dimension=1536, tokens=8192, cost=0.10),
}
"""What is not here is asked for its dimension."""

MOST_TEXTS: Final = 2048
MOST_TOKENS: Final = 300_000
