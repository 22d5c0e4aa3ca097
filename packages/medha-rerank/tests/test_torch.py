"""The same scores from a cross-encoder of sentence-transformers, made small by the test."""

from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING, Any

import pytest

from medha.errors import ConfigurationError, PluginLoadError
from medha_rerank import RerankReviewer, RerankSettings

pytest.importorskip("torch", reason="sentence-transformers needs PyTorch; run python tools/torch_tests.py")

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PAIR = ("list all tracks", "list all songs")


def make_folder(folder: Path, outputs: int) -> Path:
    transformers: Any = importlib.import_module("transformers")
    torch: Any = importlib.import_module("torch")
    torch.manual_seed(3)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "list", "all", "tracks", "songs"]
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        num_labels=outputs,
    )  # fmt: skip
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    return folder


async def test_scores_are_those_of_the_model_itself(tmp_path: Path) -> None:
    transformers: Any = importlib.import_module("transformers")
    folder = make_folder(tmp_path / "model", 1)
    reviewer = RerankReviewer(
        RerankSettings(model=str(folder), threshold=0.5, runtime="sentence-transformers", both_directions=False)
    )
    await reviewer.connect()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    logit = float(model(**tokenizer(*PAIR, return_tensors="pt")).logits.detach()[0][0])
    assert await reviewer.score(*PAIR) == pytest.approx(1 / (1 + math.exp(-logit)), rel=1e-4)
    assert await reviewer.score("list " * 600, "all") is None, "too long to be read whole"
    await reviewer.close()


async def test_a_model_with_several_labels_needs_one_named(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model", 3)
    settings = RerankSettings(model=str(folder), threshold=0.5, runtime="sentence-transformers")
    with pytest.raises(ConfigurationError, match="several labels"):
        await RerankReviewer(settings).connect()
    one_way = settings.model_copy(update={"both_directions": False})
    shares: list[float] = []
    for label in ("LABEL_0", "label_1", "LABEL_2"):
        reviewer = RerankReviewer(one_way.model_copy(update={"label": label}))
        await reviewer.connect()
        shares.append(await reviewer.score(*PAIR) or 0.0)
        await reviewer.close()
    assert sum(shares) == pytest.approx(1)


async def test_a_folder_without_a_model_is_an_error_with_its_cause(tmp_path: Path) -> None:
    settings = RerankSettings(model=str(tmp_path), threshold=0.5, runtime="sentence-transformers")
    with pytest.raises(PluginLoadError, match="could not load the cross-encoder") as raised:
        await RerankReviewer(settings).connect()
    assert raised.value.__cause__ is not None
