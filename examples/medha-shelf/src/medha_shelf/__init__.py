"""Each collection in a JSON file: the example of docs/writing-a-backend.md."""

from medha_shelf.backend import ShelfBackend
from medha_shelf.settings import ShelfSettings

__all__ = ["ShelfBackend", "ShelfSettings"]
