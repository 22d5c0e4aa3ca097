from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from medha_wordllama import WordLlamaEmbedder, WordLlamaSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


@pytest.fixture
async def embedder() -> AsyncIterator[WordLlamaEmbedder]:
    embedder = WordLlamaEmbedder(WordLlamaSettings())
    await embedder.connect()
    yield embedder
    await embedder.close()


@pytest.fixture
def in_new_process() -> Callable[[str], str]:
    """Runs a script in a Python where nothing was imported yet and warnings are errors; returns what it printed."""

    def run(script: str) -> str:
        command = [sys.executable, "-W", "error", "-c", textwrap.dedent(script)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
        assert ended.returncode == 0, ended.stderr
        assert ended.stderr == ""
        return ended.stdout

    return run
