from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class ShelfSettings(BaseSettings):
    """Settings of the shelf backend."""

    model_config = SettingsConfigDict(env_prefix="MEDHA_SHELF_", frozen=True, extra="forbid")

    folder: Path
    """Where the collections are kept, one file each."""
