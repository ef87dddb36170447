"""A model of Hugging Face's MarianMT, such as those of OPUS-MT, as a model of regard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from regard.config.schema import Config, DataConfig, SearchConfig, SubwordConfig, TransformerConfig
from regard.errors import CheckpointError, ConfigError
from regard.interop.marian_vocabulary import read_vocabulary
from regard.interop.marian_weights import OUTPUT, OUTPUT_BIAS, SRC_TABLE, TGT_TABLE, places, to_ours
from regard.model.build import build_model
from regard.model.embed import SinusoidalPositions
from regard.places import named
from regard.store.manifest import Manifest
from regard.store.model import save_model
from regard.store.training_folder import TrainingFolder
from regard.store.weights import check_finite, check_shapes, read_tensors
from regard.text.subword import Subword

_ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "swish": "silu", "silu": "silu"}
_SRC, _TGT, _OUTPUT = "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight"
_POSITIONS = ("model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight")


class MarianConfig(BaseModel):
    """What is read of a MarianMT's config.json; defaults are those of transformers.

    Attributes:
        vocab_size: Source ids; both sides' where they share one vocabulary.
        decoder_vocab_size: Target ids; as many as of the source when not given.
        d_model: Width of the states.
        encoder_layers: Layers of the encoder.
        decoder_layers: Layers of the decoder.
        encoder_attention_heads: Heads of the encoder.
        decoder_attention_heads: Heads of the decoder.
        encoder_ffn_dim: Width of the encoder's feed-forward networks.
        decoder_ffn_dim: Width of the decoder's.
        activation_function: Their curve.
        scale_embedding: Whether embeddings are multiplied with the root of the width.
        tie_word_embeddings: Whether the output layer is the target embedding.
        share_encoder_decoder_embeddings: Whether there is one embedding for both sides.
        max_position_embeddings: Longest text, with its eos.
        pad_token_id: Id of the padding.
        eos_token_id: Id of the end.
        decoder_start_token_id: Id that a translation begins with; the padding when not given.
        dropout: As it was trained.
        attention_dropout: As it was trained.
        num_beams: Width of the beam that its authors chose; newer ones say so in generation_config.json.
        length_penalty: Theirs, an exponent of the length.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    model_type: Literal["marian"]
    vocab_size: int = Field(ge=4)
    decoder_vocab_size: int | None = None
    d_model: int = 1024
    encoder_layers: int = 12
    decoder_layers: int = 12
    encoder_attention_heads: int = 16
    decoder_attention_heads: int = 16
    encoder_ffn_dim: int = 4096
    decoder_ffn_dim: int = 4096
    activation_function: str = "gelu"
    scale_embedding: bool = False
    tie_word_embeddings: bool = True
    share_encoder_decoder_embeddings: bool = True
    max_position_embeddings: int = Field(1024, ge=2)
    pad_token_id: int = 58100
    eos_token_id: int = 0
    decoder_start_token_id: int | None = None
    dropout: float = Field(0.1, ge=0, lt=1)
    attention_dropout: float = Field(0.0, ge=0, lt=1)
    num_beams: int = Field(4, ge=1)
    length_penalty: float = Field(1.0, ge=0)


def import_marian(path: str | Path, out: str | Path) -> Manifest:
    """Makes a model of regard of a directory that transformers can read; no code in it is run.

    Args:
        path: The directory: config.json, source.spm, target.spm, vocab.json, and model.safetensors or
            pytorch_model.bin; target_vocab.json too where the sides have vocabularies of their own.
        out: The new model's directory.

    Returns:
        What was written about the model.

    Raises:
        CheckpointError: A file is missing, damaged or does not fit the others.
        ConfigError: The model has options that regard does not, or `out` holds a model or a training.
    """
    directory = Path(path)
    TrainingFolder(named(out, "out")).check_empty()
    theirs = _read_config(directory / "config.json")
    src, tgt, bpe = _vocabularies(directory, theirs)
    model_config = _model_config(theirs, where=directory / "config.json")
    config = Config(
        data=DataConfig(max_len=theirs.max_position_embeddings - 1),
        subword=SubwordConfig(
            kind="bpe" if bpe else "unigram",
            vocab_size=theirs.vocab_size,
            shared=theirs.share_encoder_decoder_embeddings,
        ),
        model=model_config,
        search=SearchConfig(beam=theirs.num_beams, length_penalty=theirs.length_penalty),
    )
    tensors = _arranged(_read_weights(directory), theirs, model_config, where=directory)
    model = build_model(
        model_config, src_vocab=len(src), tgt_vocab=len(tgt), shared=config.subword.shared, specials=tgt.specials
    )
    wanted = model.state_dict()
    check_shapes(
        str(directory),
        {name: tuple(tensor.shape) for name, tensor in wanted.items()},
        {name: tuple(tensor.shape) for name, tensor in tensors.items()},
    )
    check_finite(str(directory), tensors, cure="copy the model again")
    model.load_state_dict(tensors)
    return save_model(
        out,
        model=model.eval(),
        config=config,
        src_subword=src,
        tgt_subword=tgt,
        details={"imported_from": f"marian {directory.resolve().name}"},
    )


def _read_config(path: Path) -> MarianConfig:
    try:
        tree = json.loads(path.read_bytes())
        searching = path.with_name("generation_config.json")
        if isinstance(tree, dict) and searching.is_file():
            said = json.loads(searching.read_bytes())
            tree |= {key: said[key] for key in ("num_beams", "length_penalty") if said.get(key) is not None}
        return MarianConfig.model_validate(tree)
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be read: {error.strerror}; expected a directory of transformers with a MarianMT model"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path}: not valid JSON ({error}): copy the directory again") from None
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise CheckpointError(f"{path}: expected the configuration of a MarianMT model: {told}") from None


def _vocabularies(directory: Path, theirs: MarianConfig) -> tuple[Subword, Subword, bool]:
    start = theirs.pad_token_id if theirs.decoder_start_token_id is None else theirs.decoder_start_token_id
    tgt_size = theirs.decoder_vocab_size or theirs.vocab_size
    own = directory / "target_vocab.json"
    vocab = directory / "vocab.json"
    src, bpe = read_vocabulary(directory / "source.spm", vocab, size=theirs.vocab_size, start=start)
    tgt, _ = read_vocabulary(directory / "target.spm", own if own.is_file() else vocab, size=tgt_size, start=start)
    specials = tgt.specials
    if (specials.pad, specials.eos) != (theirs.pad_token_id, theirs.eos_token_id):
        raise CheckpointError(
            f"{directory}: config.json has padding {theirs.pad_token_id} and eos {theirs.eos_token_id}, but the "
            f"vocabulary has {specials.pad} and {specials.eos}: the files belong to different models"
        )
    return src, tgt, bpe


def _model_config(theirs: MarianConfig, *, where: Path) -> TransformerConfig:
    for what, one, other in (
        ("heads", theirs.encoder_attention_heads, theirs.decoder_attention_heads),
        ("feed-forward width", theirs.encoder_ffn_dim, theirs.decoder_ffn_dim),
    ):
        if one != other:
            raise ConfigError(f"{where}: regard has one {what} for both sides, but this model has {one} and {other}")
    if theirs.activation_function not in _ACTIVATIONS:
        raise ConfigError(
            f"{where}: expected an activation_function of {', '.join(_ACTIVATIONS)}, got {theirs.activation_function!r}"
        )
    return TransformerConfig.model_validate(
        {
            "width": theirs.d_model,
            "ff_size": theirs.encoder_ffn_dim,
            "heads": theirs.encoder_attention_heads,
            "encoder_layers": theirs.encoder_layers,
            "decoder_layers": theirs.decoder_layers,
            "norm": "post",
            "position": "sinusoidal",
            "activation": _ACTIVATIONS[theirs.activation_function],
            "dropout": theirs.dropout,
            "attention_dropout": theirs.attention_dropout,
            # Without the factor on embeddings, ours are smaller by it and the output layer is not one of them.
            "tie_embeddings": theirs.tie_word_embeddings and theirs.scale_embedding,
        }
    )


def _read_weights(directory: Path) -> dict[str, Tensor]:
    for name in ("model.safetensors", "pytorch_model.bin"):
        file = directory / name
        if file.is_file():
            tensors = read_tensors(file)[0] if name.endswith("safetensors") else _unpacked(file)
            return {key: tensor.float() for key, tensor in tensors.items()}
    raise CheckpointError(f"{directory}: expected model.safetensors or pytorch_model.bin, found neither")


def _unpacked(file: Path) -> dict[str, Tensor]:
    """Tensors of PyTorch's own format. `weights_only` lets nothing but tensors be made: no code of the file is run."""
    try:
        tree = torch.load(file, map_location="cpu", weights_only=True)  # noqa: TID251
    except Exception as error:  # whatever a damaged or a hostile file provokes: there are many kinds
        raise CheckpointError(f"{file}: not a file of weights alone: {str(error).splitlines()[0]}") from None
    if not isinstance(tree, dict) or not all(isinstance(tensor, Tensor) for tensor in tree.values()):
        raise CheckpointError(f"{file}: expected tensors by their names, got a {type(tree).__name__} of other things")
    return tree


def _arranged(
    theirs: dict[str, Tensor], marian: MarianConfig, config: TransformerConfig, *, where: Path
) -> dict[str, Tensor]:
    """Our tensors by our names, `(...)`."""
    _check_positions(theirs, where)
    named = dict(theirs)
    for name in (_SRC, _TGT):
        if name not in named and "model.shared.weight" in named:
            named[name] = named["model.shared.weight"]
    if _TGT in named and (marian.tie_word_embeddings or _OUTPUT not in named):
        named[_OUTPUT] = named[_TGT]
    listed = [(place.ours, place.theirs, place.dim) for place in places(config)]
    listed += [(SRC_TABLE, _SRC, 1), (TGT_TABLE, _TGT, 1), (OUTPUT, _OUTPUT, 1)]
    missing = [name for _, name, _ in listed if name not in named]
    if missing:
        raise CheckpointError(f"{where}: the weights of {', '.join(missing[:5])} are missing ({len(missing)} in all)")
    tensors = {ours: to_ours(named[name], dim) for ours, name, dim in listed}
    if not marian.scale_embedding:
        for name in (SRC_TABLE, TGT_TABLE):
            tensors[name] = tensors[name] * config.width**-0.5
    bias = named.get("final_logits_bias")
    tensors[OUTPUT_BIAS] = torch.zeros(len(tensors[OUTPUT])) if bias is None else bias.flatten()
    return tensors


def _check_positions(theirs: dict[str, Tensor], where: Path) -> None:
    """Positions are computed; a file may hold them too, and then they must be the same."""
    for name in _POSITIONS:
        table = theirs.get(name)
        if table is None:
            continue
        computed = SinusoidalPositions()(torch.zeros(1, *table.shape))[0]
        if not torch.allclose(to_ours(table, 1), computed, atol=1e-4):
            raise ConfigError(f"{where}: {name} is not the sinusoidal table that regard computes: learned positions?")
