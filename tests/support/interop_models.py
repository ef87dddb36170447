"""Fixtures for the tests of other engines: small models with vocabularies and random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from regard.config.schema import Config, DataConfig, ModelConfig, SubwordConfig, TransformerConfig
from regard.model.build import build_model
from regard.store import StoredModel, load_model, save_model
from regard.text.subword import Subword

TEXT = [
    "a man in a red hat rides a bicycle over the bridge",
    "two women are reading a newspaper in the park",
    "un homme au chapeau rouge roule à vélo sur le pont",
    "deux femmes lisent un journal dans le parc",
    "the children play near the water , and a dog runs after the ball .",
    "les enfants jouent près de l' eau , et un chien court après le ballon .",
]

Make = Callable[..., StoredModel]


@pytest.fixture(scope="session")
def vocabulary() -> Subword:
    return Subword.train(TEXT * 20, vocab_size=380)


@pytest.fixture(scope="session")
def second_vocabulary() -> Subword:
    return Subword.train(TEXT[2:4] * 20, vocab_size=340)


def store(
    model_config: ModelConfig, directory: Path, src: Subword, tgt: Subword, *, max_len: int = 24, seed: int = 1
) -> StoredModel:
    """Saves and loads a random model; one vocabulary serves both languages if `src` is `tgt`."""
    shared = src is tgt
    config = Config(
        data=DataConfig(max_len=max_len),
        subword=SubwordConfig(vocab_size=len(src), shared=shared),
        model=model_config,
    )
    torch.manual_seed(seed)
    model = build_model(model_config, src_vocab=len(src), tgt_vocab=len(tgt), shared=shared)
    with torch.no_grad():
        for name, parameter in model.named_parameters():  # biases and norms too, so that an export cannot omit them
            spread = 0.3 if parameter.dim() == 1 else 1.5 * parameter.shape[-1] ** -0.5
            parameter.copy_(torch.randn_like(parameter) * spread + (1.0 if name.endswith("norm.weight") else 0.0))
        # As in a trained model: CTranslate2 excludes these two before the softmax, regard after it.
        model.output_bias[[tgt.specials.pad, tgt.specials.bos]] = -40.0
    save_model(directory, model=model.eval(), config=config, src_subword=src, tgt_subword=tgt)
    return load_model(directory)


@pytest.fixture
def keep(vocabulary: Subword, second_vocabulary: Subword, tmp_path: Path) -> Make:
    """Saves and loads a random model of a configuration; `shared=False` gives it two vocabularies."""

    def saved(model_config: ModelConfig, *, shared: bool = True, max_len: int = 24, seed: int = 1) -> StoredModel:
        tgt = vocabulary if shared else second_vocabulary
        return store(model_config, tmp_path / f"model-{seed}", vocabulary, tgt, max_len=max_len, seed=seed)

    return saved


@pytest.fixture
def make(keep: Make) -> Make:
    """Like `keep`, for a Transformer with these options."""

    def made(*, shared: bool = True, max_len: int = 24, seed: int = 1, **options: object) -> StoredModel:
        sizes = {"width": 32, "ff_size": 48, "heads": 4, "encoder_layers": 2, "decoder_layers": 3}
        model_config = TransformerConfig.model_validate({**sizes, **options})
        return keep(model_config, shared=shared, max_len=max_len, seed=seed)

    return made
