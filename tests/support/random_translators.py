"""Translators with small random models: no training, and yet their translations contain words."""

from __future__ import annotations

import torch

from regard.config.schema import Config
from regard.model.build import build_model
from regard.store import StoredModel
from regard.text.subword import Subword

ENGLISH = ["the cat sleeps on the big bed", "a small dog runs in the garden", "we do not know where they are"]
FRENCH = ["le chat dort sur le grand lit", "un petit chien court dans le jardin", "on ne sait pas où ils sont"]
SMALL = {"embed_size": 12, "hidden_size": 16}
MODELS: dict[str, dict[str, object]] = {
    "plain": {"kind": "rnn", "decoder": "plain", **SMALL},
    "bahdanau": {"kind": "rnn", "decoder": "bahdanau", "attention": {"score": "additive"}, **SMALL},
    "location": {"kind": "rnn", "decoder": "luong", "attention": {"score": "location", "max_source": 20}, **SMALL},
    "learned": {
        "kind": "transformer",
        "position": "learned",
        "max_positions": 24,
        "width": 16,
        "ff_size": 16,
        "heads": 2,
        "encoder_layers": 1,
        "decoder_layers": 2,
    },
}
MODELS["located"] = {**MODELS["learned"], "position": "sinusoidal", "cross_score": "location"}


def random_model(
    kind: str,
    subword: Subword,
    *,
    seed: int = 1,
    data: dict[str, int] | None = None,
    eos: float = 7.0,
    scale: float = 3.0,
) -> StoredModel:
    """Builds a random model that was never stored; it has no manifest.

    Args:
        kind: Key of `MODELS`.
        subword: Vocabulary of both sides.
        seed: Seed of the weights.
        data: Options of `[data]`.
        eos: Added to the output bias of `</s>`: larger values give shorter translations.
        scale: Factor of all weights: larger values give more peaked distributions.

    Returns:
        The model.
    """
    config = Config.model_validate(
        {
            "model": MODELS[kind],
            "search": {"max_len_ratio": 1.0, "max_len_offset": 4},
            "data": data or {},
        }
    )
    torch.manual_seed(seed)
    model = build_model(config.model, src_vocab=len(subword), tgt_vocab=len(subword), shared=True).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(scale)
        # Untrained models generate bytes and rarely stop: raise the bias of words.
        bias = model.get_parameter("output_bias")
        for word in sorted(set(" ".join(FRENCH).split())):
            bias[subword.encode(word).ids[0]] += 5.0
        bias[3] += eos
    return StoredModel(model, config, subword, subword, None)  # type: ignore[arg-type]
