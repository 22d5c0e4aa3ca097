"""A cross-encoder of sentence-transformers, on PyTorch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sentence_transformers import CrossEncoder

from medha.errors import PluginLoadError
from medha_rerank.files import folder_of
from medha_rerank.scoring import label_index, scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha_rerank.settings import RerankSettings


class TorchModel:
    """Scores pairs of texts; call it from one thread at a time."""

    def __init__(self, settings: RerankSettings) -> None:
        place = str(folder_of(settings.model) or settings.model)
        try:
            self._model: Any = CrossEncoder(
                place,
                device=settings.device,
                revision=settings.revision,
                cache_folder=None if settings.cache_dir is None else str(settings.cache_dir),
                local_files_only=settings.local_files_only,
                token=None if settings.token is None else settings.token.get_secret_value(),
            )
        except Exception as exc:
            raise PluginLoadError(
                f"sentence-transformers could not load the cross-encoder {settings.model!r}: "
                f"{type(exc).__name__}: {exc}"
            ) from exc
        # the import that the one above has made
        torch: Any = importlib.import_module("torch")
        self._as_it_is = torch.nn.Identity()
        self._max_tokens = settings.max_tokens
        self._label = label_index({"id2label": self._model.config.id2label}, settings.label)

    def scores(self, pairs: Sequence[tuple[str, str]]) -> list[float] | None:
        """The score of each pair, all of the same two texts; ``None`` when they are too long to be read whole."""
        first, second = pairs[0]
        if len(self._model.tokenizer(first, second, truncation=False)["input_ids"]) > self._max_tokens:
            return None
        logits = self._model.predict(list(pairs), activation_fn=self._as_it_is, show_progress_bar=False)
        return scores(logits, len(pairs), self._label)
