"""Cohere's embedding models, as its documentation has them; a price that it does not state is left out."""

from __future__ import annotations

from typing import Final

from medha.remote import RemoteModel

MODELS: Final = {
    "embed-v4.0": RemoteModel(dimension=1536, sizes=(256, 512, 1024), tokens=128_000, cost=0.12),
    "embed-english-v3.0": RemoteModel(dimension=1024, tokens=512),
    "embed-multilingual-v3.0": RemoteModel(dimension=1024, tokens=512),
    "embed-english-light-v3.0": RemoteModel(dimension=384, tokens=512),
    "embed-multilingual-light-v3.0": RemoteModel(dimension=384, tokens=512),
}
"""What is not here is asked for its dimension."""

MOST_TEXTS: Final = 96
