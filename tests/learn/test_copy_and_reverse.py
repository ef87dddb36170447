"""Every decoder with every score, and with every cell, learns to copy and to reverse sequences in a few hundred steps.

A test trains until nearly all unseen examples are right, with a limit of several times the steps that this needs, so
that the result does not depend on the rounding of a processor.

The decoder without attention, with the same size and more steps than most recurrent models need, must not learn the
tasks; otherwise they would not test attention.
"""

from __future__ import annotations

import functools
import itertools
import zlib

import pytest
import torch
from torch.nn import functional as F

from regard.attention.scores import Score
from regard.config.dump import dump_config
from regard.config.schema import AttentionConfig, Config, ModelConfig, RNNConfig, TransformerConfig
from regard.data.collate import collate
from regard.model.build import ScoreFactory, build_model
from regard.model.seq2seq import Seq2Seq
from regard.values import Batch, Specials

VOCAB, SPECIALS = 14, Specials()
SCORES = ["dot", "scaled-dot", "general", "additive", "location", "cosine"]
REQUIRED, ENOUGH = 0.9, 0.95
"""Share of examples that must be right, and at which training stops."""
MAX_STEPS = 3000
"""Limit of training steps; recurrent models need 40 to 140, Transformers 80 to 500."""
RATES = {"rnn": 8e-3, "transformer": 6e-3}
POST_NORM_RATE = 2e-3
"""Post-norm Transformers learn slowly at first (Xiong et al. 2020), and diverge at the learning rate of the others."""


@functools.cache
def examples(task: str, count: int, seed: int) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(4, 9, (count,), generator=generator).tolist()
    tokens = torch.randint(4, VOCAB, (count, 8), generator=generator).tolist()
    sources = [line[:length] for line, length in zip(tokens, lengths, strict=True)]
    return collate(sources, [s if task == "copy" else s[::-1] for s in sources], specials=SPECIALS)


def share_right(model: Seq2Seq, task: str) -> float:
    """Share of unseen examples whose tokens are all right."""
    batch = examples(task, 200, 1_000_000)
    with torch.no_grad():
        predicted = model.eval().project(model(batch).hidden).argmax(-1)
    model.train()
    right = (predicted == batch.tgt_out_ids) | (batch.tgt_out_ids == SPECIALS.pad)
    return right.all(1).float().mean().item()


def share_learned(
    config: ModelConfig,
    task: str,
    *,
    steps: int = MAX_STEPS,
    rate: float | None = None,
    enough: float = ENOUGH,
    score: ScoreFactory | None = None,
) -> float:
    """Trains until enough unseen examples are right, or up to `steps` steps; returns the share that is right."""
    # Seeds depend on the configuration as stored with a model, which new options with default values do not change.
    torch.manual_seed(zlib.crc32((dump_config(Config(model=config)) + task).encode()))
    model = build_model(config, src_vocab=VOCAB, tgt_vocab=VOCAB, shared=True, score=score)
    rate = rate or RATES[config.kind]
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), fused=True)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 20) * (1 - step / steps) ** 0.5
        batch = examples(task, 64, step)
        logits = model.project(model(batch).hidden)
        loss = F.cross_entropy(logits.flatten(0, 1), batch.tgt_out_ids.flatten(), ignore_index=SPECIALS.pad)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        # Unseen examples take as long as a step, and are never right while the training examples are not.
        if step % 10 == 9 and loss.item() < 0.4 and share_right(model, task) >= enough:
            break
    return share_right(model, task)


def rnn(decoder: str, score: str = "general", cell: str = "rnn", **options: object) -> RNNConfig:
    """Its cell is the one whose steps take the least time; the others are tested once per decoder."""
    attention_options = {key: options.pop(key) for key in AttentionConfig.model_fields if key in options}
    attention_config = AttentionConfig.model_validate({"score": score, "max_source": 16, **attention_options})
    sizes = {"embed_size": 32, "hidden_size": 64, "dropout": 0.0}
    return RNNConfig.model_validate(
        {"decoder": decoder, "cell": cell, "attention": attention_config, **sizes, **options}
    )


def transformer(**options: object) -> TransformerConfig:
    sizes = {"width": 32, "ff_size": 64, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "dropout": 0.0}
    return TransformerConfig.model_validate({**sizes, **options})


CONFIGS: dict[str, ModelConfig] = {
    **{f"{d}-{s}": rnn(d, s) for d, s in itertools.product(("luong", "bahdanau"), SCORES)},
    **{f"luong-feeding-{s}": rnn("luong", s, input_feeding=True) for s in SCORES},
    **{f"{d}-{cell}": rnn(d, cell=cell) for d, cell in itertools.product(("luong", "bahdanau"), ("gru", "lstm"))},
    **{f"luong-feeding-{cell}": rnn("luong", cell=cell, input_feeding=True) for cell in ("gru", "lstm")},
    **{f"transformer-{s}": transformer(cross_score=s) for s in SCORES},
    "luong-direct": rnn("luong", combine=False, tie_embeddings=False),
    "luong-coverage": rnn("luong", coverage=True),
    "bahdanau-coverage": rnn("bahdanau", "additive", coverage=True),
    "luong-two-heads": rnn("luong", "additive", heads=2),
    "luong-local-p": rnn("luong", window="local-p", window_size=6),
    "luong-sparsemax": rnn("luong", normalizer="sparsemax"),
    "luong-smooth": rnn("luong", normalizer="smooth", sharpness=2.0),
    "bahdanau-entmax15": rnn("bahdanau", "additive", normalizer="entmax15"),
    "bahdanau-location-aware": rnn("bahdanau", "additive", location_filters=4, location_reach=3),
    "transformer-sparsemax": transformer(normalizer="sparsemax"),
    "transformer-entmax15": transformer(normalizer="entmax15"),
    "transformer-two-layers": transformer(decoder_layers=2),
    "transformer-post-rotary-swiglu": transformer(norm="post", position="rotary", activation="swiglu"),
    "transformer-learned-gelu": transformer(position="learned", activation="gelu", decoder_layers=2),
}


@pytest.mark.parametrize("task", ["copy", "reverse"])
@pytest.mark.parametrize("name", CONFIGS)
def test_learns(name: str, task: str) -> None:
    rate = POST_NORM_RATE if "post" in name else None
    assert share_learned(CONFIGS[name], task, rate=rate) >= REQUIRED


def share_after_all_steps(config: ModelConfig, task: str) -> float:
    """For models that must not learn: after more steps than other recurrent models need, without an early stop."""
    return share_learned(config, task, steps=150, enough=2.0)


def test_a_monotonic_window_copies_but_cannot_reverse() -> None:
    config = rnn("luong", window="local-m", window_size=2)
    assert share_learned(config, "copy") >= REQUIRED
    assert share_after_all_steps(config, "reverse") < 0.5


@pytest.mark.parametrize(("window", "window_size"), [("median", 1), ("mean", 2)])
def test_a_history_window_copies(window: str, window_size: int) -> None:
    assert share_learned(rnn("luong", window=window, window_size=window_size), "copy") >= REQUIRED


def test_a_narrow_history_window_cannot_reverse() -> None:
    assert share_after_all_steps(rnn("luong", cell="gru", window="median", window_size=1), "reverse") < 0.7


@pytest.mark.parametrize("task", ["copy", "reverse"])
def test_without_attention_the_tasks_are_not_learned(task: str) -> None:
    for cell in ("rnn", "gru"):  # that of most models above, and one that remembers more
        assert share_after_all_steps(rnn("plain", cell=cell), task) < 0.5


def test_a_custom_score_learns() -> None:
    class Network(Score):
        """A small feed-forward network over query and key."""

        def __init__(self, query_size: int, key_size: int) -> None:
            super().__init__()
            self.query_map = torch.nn.Linear(query_size, 32)
            self.key_map = torch.nn.Linear(key_size, 32)
            self.last = torch.nn.Linear(32, 1)

        def project_key(self, key: torch.Tensor) -> torch.Tensor:
            projected: torch.Tensor = self.key_map(key)
            return projected

        def forward(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
            hidden = torch.relu(self.query_map(query).unsqueeze(-2) + key.unsqueeze(-3))
            scores: torch.Tensor = self.last(hidden).squeeze(-1)
            return scores

    assert share_learned(rnn("bahdanau"), "reverse", score=Network) >= REQUIRED
