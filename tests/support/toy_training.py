"""Parallel text in a toy language, and configurations of trainings on it that take a second."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from regard.config.load import load_config
from regard.config.schema import Config

WORDS = {"one": "un", "dog": "chien", "cat": "chat", "sees": "voit", "big": "grand", "and": "et", "runs": "court"}


class Toy:
    """A directory with `train.en`, `train.fr`, `val.en`, `val.fr`, and configurations for it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.write("train", 120, seed=1)
        self.write("val", 12, seed=2)

    def write(self, name: str, count: int, seed: int, *, words: Mapping[str, str] = WORDS, space: str = " ") -> None:
        draw = random.Random(seed)
        rows = [draw.choices(list(words), k=draw.randint(2, 8)) for _ in range(count)]
        sides = {"en": (" ", rows), "fr": (space, [[words[word] for word in row] for row in rows])}
        for ending, (between, lines) in sides.items():
            text = "".join(between.join(line) + "\n" for line in lines)
            (self.directory / f"{name}.{ending}").write_text(text, encoding="utf-8")

    def config(self, *overrides: str, files: Sequence[str] = ("src", "tgt", "val_src", "val_tgt")) -> Config:
        names = {"src": "train.en", "tgt": "train.fr", "val_src": "val.en", "val_tgt": "val.fr"}
        small = [
            "subword.vocab_size=300",
            "model.embed_size=8",
            "model.hidden_size=12",
            "train.steps=8",
            "train.validate_every=4",
            "train.batch_tokens=128",
            "train.warmup=2",
            "train.threads=1",
            "train.precision=float32",
            "train.device=cpu",
            "train.tensorboard=false",
        ]
        where = [f"data.{key}={self.directory / names[key]}" for key in files]
        return load_config(preset="bahdanau", overrides=[*where, *small], variant=overrides)
