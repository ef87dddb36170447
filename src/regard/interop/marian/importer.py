"""Import of Hugging Face's MarianMT models, such as those of OPUS-MT."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from regard.config.schema import Config, DataConfig, SearchConfig, SubwordConfig, TransformerConfig
from regard.errors import CheckpointError, ConfigError
from regard.files.paths import checked_path
from regard.interop.foreign_weights import check_sizes, read_weights
from regard.interop.marian.config import MarianConfig, read_config, to_model_config
from regard.interop.marian.vocabulary import read_vocabulary
from regard.interop.marian.weights import (
    LAYER,
    OUTPUT,
    OUTPUT_BIAS,
    SRC_TABLE,
    TGT_TABLE,
    TensorPair,
    marian_shapes,
    tensor_pairs,
    to_regard_order,
)
from regard.model.build import build_model
from regard.model.embed import SinusoidalPositions
from regard.store.manifest import Manifest
from regard.store.model import save_model
from regard.store.training_directory import TrainingDirectory
from regard.store.weights import check_finite
from regard.text.subword import Subword

_SHARED, _OUTPUT, _BIAS = "model.shared.weight", "lm_head.weight", "final_logits_bias"
_SRC, _TGT = "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"
_POSITIONS = ("model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight")
EXPONENT = "length_exponent"
"""Key in the manifest's details: exponent p of the length by which Marian divides a score, `score / length ** p`."""


def import_marian(path: str | Path, out: str | Path) -> Manifest:
    """Converts a MarianMT model of transformers to a model of regard, without running code in its files.

    The probabilities of tokens do not change. Hypotheses of different lengths are ranked differently: Marian divides a
    score by `length ** p`, regard by `((5 + length) / 6) ** p` (Wu et al. 2016); p is stored in the new manifest.

    Args:
        path: Directory with config.json, source.spm, target.spm, vocab.json, and model.safetensors or
            pytorch_model.bin, as one file or as several files with an index; also target_vocab.json if source and
            target have separate vocabularies.
        out: Directory of the new model.

    Returns:
        Manifest of the new model.

    Raises:
        CheckpointError: A file is missing or damaged, or the files do not belong together.
        ConfigError: The model has options that regard does not support, or `out` contains a model or a training.
    """
    directory = Path(path)
    TrainingDirectory(checked_path(out, "out")).check_empty()
    marian, search = read_config(directory)
    weights = _checked_weights(read_weights(directory), marian, where=directory)
    src, tgt, bpe = _vocabularies(directory, marian)
    model_config = to_model_config(marian)
    config = Config(
        data=DataConfig(max_len=marian.max_position_embeddings - 1),
        subword=SubwordConfig(
            kind="bpe" if bpe else "unigram",
            vocab_size=marian.vocab_size,
            shared=marian.share_encoder_decoder_embeddings,
        ),
        model=model_config,
        search=SearchConfig(beam=search.num_beams, length_penalty=search.length_penalty),
    )
    tensors = _converted(weights, marian, model_config)
    check_finite(str(directory), tensors, remedy="copy the model again")
    with torch.random.fork_rng(devices=[]):  # the caller's generator stays unchanged
        model = build_model(
            model_config, src_vocab=len(src), tgt_vocab=len(tgt), shared=config.subword.shared, specials=tgt.specials
        )
    model.load_state_dict(tensors)
    name = os.fsencode(directory.resolve().name).decode(errors="replace")
    return save_model(
        out,
        model=model.eval(),
        config=config,
        src_subword=src,
        tgt_subword=tgt,
        details={"imported_from": f"marian {name}", EXPONENT: search.length_penalty},
    )


def _vocabularies(directory: Path, marian: MarianConfig) -> tuple[Subword, Subword, bool]:
    own, vocab = directory / "target_vocab.json", directory / "vocab.json"
    separate = own.exists() or own.is_symlink()
    if separate and marian.share_encoder_decoder_embeddings:
        raise CheckpointError(
            f"{own}: config.json has one embedding for source and target, but this is a separate target vocabulary: "
            "the files belong to different models; copy the model "
            "directory again from its source"
        )
    src, bpe = read_vocabulary(directory / "source.spm", vocab, size=marian.vocab_size, start=marian.start)
    tgt, _ = read_vocabulary(
        directory / "target.spm", own if separate else vocab, size=marian.tgt_vocab_size, start=marian.start
    )
    specials = tgt.specials
    if (specials.pad, specials.eos) != (marian.pad_token_id, marian.eos_token_id):
        raise CheckpointError(
            f"{directory}: config.json has pad_token_id {marian.pad_token_id} and eos_token_id {marian.eos_token_id}, "
            f"but the vocabulary has the ids {specials.pad} and {specials.eos} for padding and eos: the files belong "
            "to different models; copy the directory again"
        )
    return src, tgt, bpe


def _checked_weights(found: dict[str, Tensor], marian: MarianConfig, *, where: Path) -> dict[str, Tensor]:
    """Checks the shapes of all weights `(...)`, and adds the names of shared embeddings that are missing.

    Embeddings and the output layer may be stored under several names; then they must be equal.
    """
    _check_layers(found, marian, where)
    weights = dict(found)
    tied = marian.tie_word_embeddings
    shared = tied and marian.share_encoder_decoder_embeddings  # as transformers ties them
    for name in (_SRC, _TGT):
        if name not in weights and _SHARED in weights:
            weights[name] = weights[_SHARED]
    if _OUTPUT not in weights and _TGT in weights:
        weights[_OUTPUT] = weights[_TGT]
    required = dict(marian_shapes(marian))
    required |= {_SRC: (marian.vocab_size, marian.d_model), _TGT: (marian.tgt_vocab_size, marian.d_model)}
    required[_OUTPUT] = required[_TGT]
    optional = {_BIAS: (1, marian.tgt_vocab_size), _SHARED: required[_SRC]}
    optional |= dict.fromkeys(_POSITIONS, (marian.max_position_embeddings, marian.d_model))
    check_sizes(where, _expected_shapes(required, optional, weights), weights)
    unknown = sorted(weights.keys() - required.keys() - optional.keys())
    if unknown:
        raise CheckpointError(
            f"{where}: expected only weights of a MarianMT model, found {', '.join(map(repr, unknown[:5]))}"
            f"{f' and {len(unknown) - 5} more' if len(unknown) > 5 else ''}: give the directory of an unchanged "
            "MarianMT model"
        )
    for name, other, is_same in ((_SRC, _TGT, shared), (_SRC, _SHARED, shared), (_OUTPUT, _TGT, tied)):
        if is_same and other in weights and not torch.equal(weights[name], weights[other]):
            raise CheckpointError(
                f"{where}: {name} and {other} should be equal according to config.json, but differ: the files "
                "belong to different models, or one was damaged; copy the model directory again from its source"
            )
    _check_positions(weights, where)
    return weights


def _expected_shapes(
    required: dict[str, tuple[int, ...]], optional: dict[str, tuple[int, ...]], weights: dict[str, Tensor]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from required.items()
    yield from ((name, shape) for name, shape in optional.items() if name in weights)


def _check_layers(found: dict[str, Tensor], marian: MarianConfig, where: Path) -> None:
    """Compares the numbers of layers first, so that a huge number in config.json is never iterated over."""
    for side, expected in (("encoder", marian.encoder_layers), ("decoder", marian.decoder_layers)):
        numbers = {int(match[2]) for match in map(LAYER.match, found) if match and match[1] == side}
        num_layers = max(numbers, default=-1) + 1
        if num_layers < expected:
            raise CheckpointError(
                f"{where}: config.json has {side}_layers {expected}, but the weights of model.{side}.layers."
                f"{num_layers} are missing: the files belong to different models; copy the model "
                "directory again from its source"
            )
        if num_layers > expected:
            raise CheckpointError(
                f"{where}: config.json has {side}_layers {expected}, but there are weights of model.{side}.layers."
                f"{num_layers - 1}: the files belong to different models; copy the model "
                "directory again from its source"
            )


def _converted(weights: dict[str, Tensor], marian: MarianConfig, config: TransformerConfig) -> dict[str, Tensor]:
    """Weights `(...)` by regard's names, in regard's order and float32."""
    pairs = [*tensor_pairs(config), TensorPair(SRC_TABLE, _SRC, 1), TensorPair(TGT_TABLE, _TGT, 1)]
    pairs.append(TensorPair(OUTPUT, _OUTPUT, 1))
    tensors = {pair.regard: to_regard_order(weights[pair.marian].float(), pair.dim) for pair in pairs}
    if not marian.scale_embedding:
        for name in (SRC_TABLE, TGT_TABLE):
            tensors[name] = tensors[name] * config.width**-0.5
    bias = weights.get(_BIAS)
    tensors[OUTPUT_BIAS] = torch.zeros(len(tensors[OUTPUT])) if bias is None else bias.float().flatten()
    return tensors


def _check_positions(weights: dict[str, Tensor], where: Path) -> None:
    """Compares position encodings in the file, which are optional, with those that regard computes."""
    for name in _POSITIONS:
        table = weights.get(name)
        if table is None:
            continue
        computed = SinusoidalPositions()(torch.zeros(1, *table.shape))[0]
        if not torch.allclose(to_regard_order(table.float(), 1), computed, atol=1e-4):
            raise ConfigError(
                f"{where}: expected {name} to be the sinusoidal table that regard computes, got other values, such as "
                "learned positions: regard cannot import this model"
            )
