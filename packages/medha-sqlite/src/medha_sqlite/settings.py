"""The settings of the sqlite backend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class SqliteSettings(BaseSettings):
    """Where the file is and how it is written; each setting is also the variable ``MEDHA_SQLITE_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="MEDHA_SQLITE_", frozen=True, extra="forbid")

    path: Path = Path("medha.db")
    """The file that holds every collection; its folder must exist. ``~`` is the home folder."""
    busy_timeout: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 5.0
    """Seconds to wait for another process that is writing."""
    synchronous: Literal["full", "normal"] = "full"
    """``full`` survives a power cut. ``normal`` writes faster, survives every crash of the process, and may lose
    the last writes before a power cut."""

    @field_validator("path")
    @classmethod
    def _is_a_file(cls, path: Path) -> Path:
        if str(path).startswith(":memory:"):
            raise ValueError("':memory:' would keep nothing; use the backend 'memory', or give a file")
        return path.expanduser()
