"""What this package offers to Medha; importing it imports neither ONNX Runtime nor PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medha import PLUGIN_API, GuardPlugin, hookimpl
from medha_rerank.reviewer import RerankReviewer
from medha_rerank.settings import RerankSettings

if TYPE_CHECKING:
    from collections.abc import Sequence


@hookimpl
def medha_register_guards() -> Sequence[GuardPlugin]:
    """The one reviewer of this package."""
    return [GuardPlugin(name="rerank", factory=RerankReviewer, settings=RerankSettings, api_version=PLUGIN_API)]
