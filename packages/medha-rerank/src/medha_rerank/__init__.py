"""A cross-encoder as a reviewer of Medha's candidates, on ONNX Runtime."""

from medha_rerank.calibration import Calibration, calibrate
from medha_rerank.reviewer import RerankReviewer
from medha_rerank.settings import RerankSettings

__all__ = ["Calibration", "RerankReviewer", "RerankSettings", "calibrate"]
