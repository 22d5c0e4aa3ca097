"""What pytest leaves alone: the tests of packages that need PyTorch, where it is not installed."""

from __future__ import annotations

from tools.pytorch import not_here

collect_ignore = [f"packages/{name}" for name in not_here()]


def pytest_report_header() -> list[str]:
    """A line for what is not tested here."""
    names = ", ".join(not_here())
    return [f"not here, for want of PyTorch: {names} (bash .ci/run pytorch)"] if names else []
