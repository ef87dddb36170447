"""A model of Hugging Face's MarianMT, such as those of OPUS-MT, as a model of regard."""

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
    places,
    their_shapes,
    to_ours,
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
"""Detail of an imported model: the power of the length by which Marian divides a score."""


def import_marian(path: str | Path, out: str | Path) -> Manifest:
    """Makes a model of regard of a directory that transformers can read; no code in it is run.

    Tokens get the probabilities that they have there. Hypotheses of different lengths are compared otherwise: Marian
    divides by `length ** p`, regard by `((5 + length) / 6) ** p` (Wu et al. 2016), with the same p; the manifest's
    details say which.

    Args:
        path: The directory: config.json, source.spm, target.spm, vocab.json, and model.safetensors or
            pytorch_model.bin, in one file or in several; target_vocab.json too where the sides have vocabularies of
            their own.
        out: The new model's directory.

    Returns:
        What was written about the model.

    Raises:
        CheckpointError: A file is missing, damaged or does not fit the others.
        ConfigError: The model has options that regard does not, or `out` holds a model or a training.
    """
    directory = Path(path)
    TrainingDirectory(checked_path(out, "out")).check_empty()
    theirs, searching = read_config(directory)
    found = _named(read_weights(directory), theirs, where=directory)
    src, tgt, bpe = _vocabularies(directory, theirs)
    model_config = to_model_config(theirs)
    config = Config(
        data=DataConfig(max_len=theirs.max_position_embeddings - 1),
        subword=SubwordConfig(
            kind="bpe" if bpe else "unigram",
            vocab_size=theirs.vocab_size,
            shared=theirs.share_encoder_decoder_embeddings,
        ),
        model=model_config,
        search=SearchConfig(beam=searching.num_beams, length_penalty=searching.length_penalty),
    )
    tensors = _arranged(found, theirs, model_config)
    check_finite(str(directory), tensors, remedy="copy the model again")
    with torch.random.fork_rng(devices=[]):  # the caller's draws stay as they were
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
        details={"imported_from": f"marian {name}", EXPONENT: searching.length_penalty},
    )


def _vocabularies(directory: Path, theirs: MarianConfig) -> tuple[Subword, Subword, bool]:
    own, vocab = directory / "target_vocab.json", directory / "vocab.json"
    separate = own.exists() or own.is_symlink()
    if separate and theirs.share_encoder_decoder_embeddings:
        raise CheckpointError(
            f"{own}: config.json says that both sides share one embedding, but here is a vocabulary for the target "
            "alone: the files belong to different models; copy the directory again"
        )
    src, bpe = read_vocabulary(directory / "source.spm", vocab, size=theirs.vocab_size, start=theirs.start)
    tgt, _ = read_vocabulary(
        directory / "target.spm", own if separate else vocab, size=theirs.tgt_vocab_size, start=theirs.start
    )
    specials = tgt.specials
    if (specials.pad, specials.eos) != (theirs.pad_token_id, theirs.eos_token_id):
        raise CheckpointError(
            f"{directory}: config.json has padding {theirs.pad_token_id} and eos {theirs.eos_token_id}, but the "
            f"vocabulary has {specials.pad} and {specials.eos}: the files belong to different models"
        )
    return src, tgt, bpe


def _named(found: dict[str, Tensor], theirs: MarianConfig, *, where: Path) -> dict[str, Tensor]:
    """The weights `(...)` under all their names, as large as the configuration says, before anything is made of them.

    Embeddings and the output layer may have several names, under which they must be the same.
    """
    _check_layers(found, theirs, where)
    checked_path = dict(found)
    tied = theirs.tie_word_embeddings
    shared = tied and theirs.share_encoder_decoder_embeddings  # as transformers ties them
    for name in (_SRC, _TGT):
        if name not in checked_path and _SHARED in checked_path:
            checked_path[name] = checked_path[_SHARED]
    if _OUTPUT not in checked_path and _TGT in checked_path:
        checked_path[_OUTPUT] = checked_path[_TGT]
    due = dict(their_shapes(theirs))
    due |= {_SRC: (theirs.vocab_size, theirs.d_model), _TGT: (theirs.tgt_vocab_size, theirs.d_model)}
    due[_OUTPUT] = due[_TGT]
    perhaps = {_BIAS: (1, theirs.tgt_vocab_size), _SHARED: due[_SRC]}
    perhaps |= dict.fromkeys(_POSITIONS, (theirs.max_position_embeddings, theirs.d_model))
    check_sizes(where, _all_due(due, perhaps, checked_path), checked_path)
    unknown = sorted(checked_path.keys() - due.keys() - perhaps.keys())
    if unknown:
        raise CheckpointError(
            f"{where}: the weights hold more than a MarianMT model has: {', '.join(map(repr, unknown[:5]))}"
            f"{f' and {len(unknown) - 5} more' if len(unknown) > 5 else ''}: is it another model, or a part of one?"
        )
    for one, other, same in ((_SRC, _TGT, shared), (_SRC, _SHARED, shared), (_OUTPUT, _TGT, tied)):
        if same and other in checked_path and not torch.equal(checked_path[one], checked_path[other]):
            raise CheckpointError(
                f"{where}: {one} and {other} are one tensor by config.json, but have different numbers: the files "
                "belong to different models, or one was damaged; copy the directory again"
            )
    _check_positions(checked_path, where)
    return checked_path


def _all_due(
    due: dict[str, tuple[int, ...]], perhaps: dict[str, tuple[int, ...]], checked_path: dict[str, Tensor]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from due.items()
    yield from ((name, shape) for name, shape in perhaps.items() if name in checked_path)


def _check_layers(found: dict[str, Tensor], theirs: MarianConfig, where: Path) -> None:
    """Compares numbers of layers first: all else is counted by them."""
    for side, said in (("encoder", theirs.encoder_layers), ("decoder", theirs.decoder_layers)):
        numbers = {int(match[2]) for match in map(LAYER.match, found) if match and match[1] == side}
        there = max(numbers, default=-1) + 1
        if there < said:
            raise CheckpointError(
                f"{where}: config.json has {side}_layers {said}, but the weights of model.{side}.layers.{there} are "
                "missing: the files belong to different models; copy the directory again"
            )
        if there > said:
            raise CheckpointError(
                f"{where}: config.json has {side}_layers {said}, but there are weights of model.{side}.layers."
                f"{there - 1}: the files belong to different models; copy the directory again"
            )


def _arranged(checked_path: dict[str, Tensor], marian: MarianConfig, config: TransformerConfig) -> dict[str, Tensor]:
    """Our tensors by our names, `(...)`, in float32."""
    listed = [(place.ours, place.theirs, place.dim) for place in places(config)]
    listed += [(SRC_TABLE, _SRC, 1), (TGT_TABLE, _TGT, 1), (OUTPUT, _OUTPUT, 1)]
    tensors = {ours: to_ours(checked_path[name].float(), dim) for ours, name, dim in listed}
    if not marian.scale_embedding:
        for name in (SRC_TABLE, TGT_TABLE):
            tensors[name] = tensors[name] * config.width**-0.5
    bias = checked_path.get(_BIAS)
    tensors[OUTPUT_BIAS] = torch.zeros(len(tensors[OUTPUT])) if bias is None else bias.float().flatten()
    return tensors


def _check_positions(checked_path: dict[str, Tensor], where: Path) -> None:
    """Positions are computed; a file may hold them too, and then they must be the same."""
    for name in _POSITIONS:
        table = checked_path.get(name)
        if table is None:
            continue
        computed = SinusoidalPositions()(torch.zeros(1, *table.shape))[0]
        if not torch.allclose(to_ours(table.float(), 1), computed, atol=1e-4):
            raise ConfigError(f"{where}: {name} is not the sinusoidal table that regard computes: learned positions?")
