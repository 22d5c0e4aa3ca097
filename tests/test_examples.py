"""Every example runs, and does what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name: str) -> str:
    done = subprocess.run([sys.executable, EXAMPLES / name], capture_output=True, text=True, timeout=100, check=True)
    assert done.stderr == ""
    return done.stdout


def test_every_example_is_tested_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert all(f'run("{example.name}")' in source for example in EXAMPLES.glob("*.py"))


def test_in_front_of_a_model_asks_the_model_once_for_each_different_question() -> None:
    printed = run("in_front_of_a_model.py")
    assert printed.count("(the model was asked:") == 2
    assert "How many albums did Mira Vale release? -> 2   [l1_cache]" in printed
    assert "How many albums did The Weir release? -> 1   [generated]" in printed
    assert "after three complaints: gone" in printed
