"""A cross-encoder on ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from medha.errors import PluginLoadError
from medha_rerank.files import find_files
from medha_rerank.scoring import label_index, scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha_rerank.settings import RerankSettings


class OnnxModel:
    """Scores pairs of texts; safe to call from several threads."""

    def __init__(self, settings: RerankSettings) -> None:
        files = find_files(settings)
        self._max_tokens = settings.max_tokens
        self._label = label_index(files.config, settings.label)
        runtime: Any = onnxruntime  # its types are open
        options = runtime.SessionOptions()
        options.intra_op_num_threads = settings.threads or 0
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(files.tokenizer))
            self._session: Any = runtime.InferenceSession(
                files.weights, sess_options=options, providers=list(settings.providers)
            )
        except Exception as exc:
            raise PluginLoadError(
                f"the cross-encoder in {files.weights.parent} does not load: {type(exc).__name__}: {exc}"
            ) from exc
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._inputs = {each.name for each in self._session.get_inputs()}

    def scores(self, pairs: Sequence[tuple[str, str]]) -> list[float] | None:
        """The score of each pair, all of the same two texts; ``None`` when they are too long to be read whole."""
        read = [self._tokenizer.encode(first, second) for first, second in pairs]
        if max(len(each.ids) for each in read) > self._max_tokens:
            return None
        columns = {
            "input_ids": [each.ids for each in read],
            "attention_mask": [each.attention_mask for each in read],
            "token_type_ids": [each.type_ids for each in read],
        }
        given = {name: np.array(rows, np.int64) for name, rows in columns.items() if name in self._inputs}
        return scores(self._session.run(None, given)[0], len(pairs), self._label)
