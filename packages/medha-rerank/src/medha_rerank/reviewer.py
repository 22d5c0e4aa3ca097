"""The reviewer: a cross-encoder reads the asked and the stored question together, in a thread of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from medha import ACCEPTED, Reviewer, Verdict
from medha.errors import PluginLoadError
from medha.model_thread import ModelThread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha import Candidate, Question
    from medha_rerank.settings import RerankSettings


class _Model(Protocol):
    def scores(self, pairs: Sequence[tuple[str, str]]) -> list[float] | None: ...


class RerankReviewer(Reviewer):
    """Accepts a candidate whose score reaches the threshold; rejects a pair that is too long to be read whole."""

    name: ClassVar[str] = "rerank"

    def __init__(self, settings: RerankSettings) -> None:
        self._settings = settings
        self._thread = ModelThread("the cross-encoder", name="medha-rerank", load=lambda: _load(settings))

    async def connect(self) -> None:
        """Load the model in the thread, downloading it if need be.

        Raises:
            ConfigurationError: the folder lacks files, or the label is not one of the model's.
            PluginLoadError: the runtime does not import, or the model cannot be had.
        """
        await self._thread.connect()

    async def close(self) -> None:
        """Let the review under way end, then let go of the model."""
        await self._thread.close()

    async def review(self, question: Question, candidate: Candidate) -> Verdict:
        """``ACCEPTED`` from the threshold on."""
        score = await self.score(question.normalized, candidate.question.normalized)
        if score is None:
            return Verdict(accepted=False, reason=f"the pair is longer than {self._settings.max_tokens} tokens")
        bar = self._settings.threshold
        return ACCEPTED if score >= bar else Verdict(accepted=False, reason=f"score {score:.4g} is below {bar:g}")

    async def score(self, asked: str, stored: str) -> float | None:
        """How sure the model is that the two ask the same, in [0, 1]; ``None`` when they are too long for it."""
        pairs = [(asked, stored), (stored, asked)] if self._settings.both_directions else [(asked, stored)]
        found = await self._thread.run(lambda model: model.scores(pairs))
        return None if found is None else min(found)


def _load(settings: RerankSettings) -> _Model:
    try:
        if settings.runtime == "onnxruntime":
            from medha_rerank.onnx_model import OnnxModel

            return OnnxModel(settings)
        from medha_rerank.torch_model import TorchModel

        return TorchModel(settings)
    except ImportError as exc:
        extra = "" if settings.runtime == "onnxruntime" else "[sentence-transformers]"
        raise PluginLoadError(
            f"{settings.runtime} does not import: {exc}. Install it with: pip install 'medha-rerank{extra}'"
        ) from exc
