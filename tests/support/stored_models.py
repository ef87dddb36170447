"""Fixtures for the tests of stored models: vocabularies and small models of each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from regard.config.load import load_config
from regard.config.schema import Config
from regard.model.build import build_model
from regard.model.seq2seq import Seq2Seq
from regard.store import save_model
from regard.text.subword import Subword

SYLLABLES = ["ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu"]
SENTENCES = [f"how was your day {a}{b} {b}{a}{c} ?" for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES[:3]]
SMALL = {
    "rnn": ["model.embed_size=8", "model.hidden_size=12"],
    "plain": ["model.decoder=plain", "model.embed_size=8", "model.hidden_size=12", "model.tie_embeddings=false"],
    "transformer": ["model.kind=transformer", "model.width=16", "model.ff_size=8", "model.encoder_layers=1"],
}


@dataclass
class Made:
    """An untrained model with all that is stored with it."""

    model: Seq2Seq
    config: Config
    src_subword: Subword
    tgt_subword: Subword

    def save(self, path: Path) -> Path:
        save_model(
            path, model=self.model, config=self.config, src_subword=self.src_subword, tgt_subword=self.tgt_subword
        )
        return path


@pytest.fixture(scope="session")
def subwords() -> tuple[Subword, Subword]:
    backwards = [sentence[::-1] for sentence in SENTENCES]
    return Subword.train(SENTENCES, vocab_size=310), Subword.train(backwards, vocab_size=300)


@pytest.fixture
def make(subwords: tuple[Subword, Subword]) -> Callable[..., Made]:
    """Makes an untrained model: `make(kind, *overrides, seed=1)`."""

    def make_model(kind: str = "rnn", *overrides: str, seed: int = 1) -> Made:
        config = load_config(overrides=[*SMALL[kind], *overrides])
        src, tgt = subwords[0], subwords[0 if config.subword.shared else 1]
        torch.manual_seed(seed)
        model = build_model(config.model, src_vocab=len(src), tgt_vocab=len(tgt), shared=config.subword.shared)
        return Made(model, config, src, tgt)

    return make_model
