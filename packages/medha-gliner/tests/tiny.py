"""A tiny GLiNER model that has learnt from a few sentences to tell places from persons."""

from __future__ import annotations

import importlib
import random
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

if TYPE_CHECKING:
    from pathlib import Path

# imported so, since the workspace checks types without them
torch: Any = importlib.import_module("torch")
gliner: Any = importlib.import_module("gliner")
transformers: Any = importlib.import_module("transformers")

NAMES = {
    "place": ["Rome", "Paris", "Berlin", "New York", "Oslo", "Madrid", "Vienna"],
    "person": ["Ada Lovelace", "Maria Rossi", "John Smith", "Grace Hopper"],
}
FRAMES = {
    "place": ["users from {}", "Which customers live in {} ?", "flights to {} today", "orders from {} in 2024"],
    "person": ["orders of {}", "Which albums did {} buy ?", "the manager {} and the team"],
}
SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
EPOCHS = 80


def make_folder(folder: Path) -> None:
    """Train it, and save it as GLiNER models are published."""
    random.seed(0)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    _save_backbone(folder / "backbone")
    config = gliner.GLiNERConfig(
        model_name=str(folder / "backbone"), hidden_size=64, max_width=4, dropout=0.0, max_len=128
    )
    model = gliner.GLiNER.from_config(config)
    _train(model)
    model.save_pretrained(folder / "model")


def _save_backbone(folder: Path) -> None:
    said = [*FRAMES["place"], *FRAMES["person"], *NAMES["place"], *NAMES["person"], *NAMES]
    words = sorted({word.lower() for text in said for word in text.split()} - {"{}"})
    vocabulary = {word: number for number, word in enumerate([*SPECIAL.values(), *words])}
    tokenizer: Any = Tokenizer(models.WordLevel(vocabulary, unk_token=SPECIAL["unk_token"]))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIAL)
    fast.save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=64,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=256,
    )
    backbone = transformers.BertModel(config)
    backbone.save_pretrained(folder)


def _train(model: Any) -> None:
    sentences = [(frame, name, label) for label in NAMES for frame in FRAMES[label] for name in NAMES[label]]
    collate: Any = model._create_data_collator()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.5e-3)
    model.train()
    for _ in range(EPOCHS):
        random.shuffle(sentences)
        for first in range(0, len(sentences), 8):
            loss = model(**collate([_example(*each) for each in sentences[first : first + 8]])).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()


def _example(frame: str, name: str, label: str) -> dict[str, Any]:
    """A sentence with the labels that are asked of it, in any order, its own among them or not."""
    words, parts = frame.format(name).split(), name.split()
    start = next(n for n in range(len(words)) if words[n : n + len(parts)] == parts)
    asked = random.sample(sorted(NAMES), random.choice([1, 2, 2]))
    found = [[start, start + len(parts) - 1, label]] if label in asked else []
    return {"tokenized_text": words, "ner": found, "ner_labels": asked}
