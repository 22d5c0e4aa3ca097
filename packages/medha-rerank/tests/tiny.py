"""A tiny cross-encoder as ONNX: the cosine of the two texts' words, on a steep scale."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

if TYPE_CHECKING:
    from pathlib import Path

WORDS = (
    "how many albums are there number of which customers live in berlin rome artists list all the what is tracks users",
    "germany top best sold a from to flights orders rock jazz year by paris ten 2024 revenue each shop who manager",
    "sales team song has longest title did cheapest flight oslo cost",
)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
LABELS = {"0": "different", "1": "same"}


def make_folder(
    folder: Path, *, labels: dict[str, str] | None = None, name: str = "model.onnx", scale: float = 20
) -> Path:
    """The model, its tokenizer and its configuration; with two labels it puts out a number for each."""
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *sorted(set(" ".join(WORDS).split()))])}
    tokenizer: Any = Tokenizer(models.WordLevel(vocabulary, unk_token=SPECIAL[1]))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"id2label": labels or {"0": "LABEL_0"}}))
    weights = folder / name
    weights.parent.mkdir(exist_ok=True)
    tools: Any = onnx
    tools.save(_model(len(vocabulary), len(labels or {"0": ""}), scale), str(weights))
    return folder


def _model(vocabulary: int, outputs: int, scale: float) -> Any:
    """Sign * scale * (cosine - 0.9) for each output, the last one with sign +1."""
    table = np.eye(vocabulary, dtype=np.float32)
    table[:4] = 0  # what is no known word counts for nothing
    signs = np.array([[-1.0] * (outputs - 1) + [1.0]], np.float32)
    constants = {"table": table, "one": np.float32(1), "bar": np.float32(0.9), "scale": np.float32(scale), "axis": [1]}
    given = [numpy_helper.from_array(np.array(value), name) for name, value in (constants | {"signs": signs}).items()]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("Cast", ["token_type_ids"], ["types"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["types", "last"], ["in_second"]),
        helper.make_node("Sub", ["one", "in_second"], ["in_first"]),
        helper.make_node("Mul", ["words", "in_first"], ["first_words"]),
        helper.make_node("Mul", ["words", "in_second"], ["second_words"]),
        helper.make_node("ReduceSum", ["first_words", "axis"], ["first"], keepdims=0),
        helper.make_node("ReduceSum", ["second_words", "axis"], ["second"], keepdims=0),
        helper.make_node("Mul", ["first", "second"], ["products"]),
        helper.make_node("ReduceSum", ["products", "axis"], ["dot"], keepdims=1),
        helper.make_node("ReduceL2", ["first", "axis"], ["first_length"], keepdims=1),
        helper.make_node("ReduceL2", ["second", "axis"], ["second_length"], keepdims=1),
        helper.make_node("Mul", ["first_length", "second_length"], ["lengths"]),
        helper.make_node("Max", ["lengths", "least"], ["divisor"]),
        helper.make_node("Div", ["dot", "divisor"], ["cosine"]),
        helper.make_node("Sub", ["cosine", "bar"], ["above"]),
        helper.make_node("Mul", ["above", "scale"], ["logit"]),
        helper.make_node("Mul", ["logit", "signs"], ["logits"]),
    ]
    given.append(numpy_helper.from_array(np.array([2], np.int64), "last"))
    given.append(numpy_helper.from_array(np.array(1e-6, np.float32), "least"))
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "l"]) for name in ("input_ids", "token_type_ids")
    ]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", outputs])
    graph = helper.make_graph(nodes, "overlap", inputs, [output], given)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    checker: Any = onnx.checker
    checker.check_model(model)
    return model
