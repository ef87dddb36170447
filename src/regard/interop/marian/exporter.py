"""A Transformer of regard as a directory that `transformers.MarianMTModel` and `MarianTokenizer` load."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from regard.config.engines import unsupported
from regard.config.schema import TransformerConfig
from regard.data.collate import collate
from regard.errors import CheckpointError, ConfigError
from regard.interop.ctranslate2.spec import all_pieces, max_positions
from regard.interop.exported import new_directory
from regard.interop.marian.weights import OUTPUT_BIAS, SRC_TABLE, TGT_TABLE, places, to_theirs
from regard.interop.packages import require_package
from regard.interop.part_table import entry_of
from regard.interop.transformer_parts import check_transformer
from regard.interop.verification import sample_sources
from regard.store import StoredModel
from regard.store.weights import write_tensors
from regard.text.subword import Subword

CLOSE = 1e-4
"""Largest difference of two logits that are the same: sums of floats in another order."""
_ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "silu": "swish"}


def export_marian(stored: StoredModel, path: str | Path) -> None:
    """Writes a model for transformers, if its logits there are those of here.

    Args:
        stored: The model, on the CPU.
        path: The directory, which must not be there yet.

    Raises:
        ConfigError: transformers is not installed, or MarianMT has no such model; the message names every option
            that stands in the way.
        CheckpointError: The logits differ, or the place cannot be written.
    """
    require_package("transformers", to="export a model to MarianMT")
    config = _exportable(stored)
    with new_directory(path) as directory:
        _write_json(directory / "config.json", _their_config(stored, config))
        _write_json(directory / "generation_config.json", _their_search(stored))
        _write_vocabularies(stored, directory)
        write_tensors(directory / "model.safetensors", _their_tensors(stored, config), metadata={"format": "pt"})
        _verify(stored, directory)


def _exportable(stored: StoredModel) -> TransformerConfig:
    config = stored.config.model
    found = [f"model.{key}: {why}" for key, why in unsupported(config, "marian")]
    if found or not isinstance(config, TransformerConfig):
        raise ConfigError("MarianMT has no such model:" + "".join(f"\n  {one}" for one in found))
    check_transformer(stored.model, config, engine="marian")
    return config


def _their_config(stored: StoredModel, config: TransformerConfig) -> dict[str, object]:
    specials = stored.tgt_subword.specials
    return {
        "architectures": ["MarianMTModel"],
        "model_type": "marian",
        "vocab_size": len(stored.src_subword),
        "decoder_vocab_size": len(stored.tgt_subword),
        "share_encoder_decoder_embeddings": stored.config.subword.shared,
        "tie_word_embeddings": True,
        "scale_embedding": True,
        "d_model": config.width,
        "encoder_layers": config.encoder_layers,
        "decoder_layers": config.decoder_layers,
        "encoder_attention_heads": config.heads,
        "decoder_attention_heads": config.heads,
        "encoder_ffn_dim": config.ff_size,
        "decoder_ffn_dim": config.ff_size,
        "activation_function": entry_of(_ACTIVATIONS, config.activation, engine="marian", option="activation"),
        "dropout": config.dropout,
        "attention_dropout": config.attention_dropout,
        "activation_dropout": config.dropout,
        "max_position_embeddings": max_positions(stored.config),
        "is_encoder_decoder": True,
        "pad_token_id": specials.pad,
        "bos_token_id": specials.bos,
        "eos_token_id": specials.eos,
        "decoder_start_token_id": specials.bos,
        "forced_eos_token_id": None,
    }


def _their_search(stored: StoredModel) -> dict[str, object]:
    specials, search = stored.tgt_subword.specials, stored.config.search
    return {
        "pad_token_id": specials.pad,
        "bos_token_id": specials.bos,
        "eos_token_id": specials.eos,
        "decoder_start_token_id": specials.bos,
        "bad_words_ids": [[one] for one in sorted({specials.pad, specials.bos})],
        "num_beams": search.beam,
        "length_penalty": search.length_penalty,
        "max_length": max_positions(stored.config),
    }


def _write_vocabularies(stored: StoredModel, directory: Path) -> None:
    shared = stored.config.subword.shared
    sides = {"source.spm": stored.src_subword, "target.spm": stored.tgt_subword}
    for name, subword in sides.items():
        subword.save(directory / name)
    _write_json(directory / "vocab.json", _numbered(stored.src_subword))
    if not shared:
        _write_json(directory / "target_vocab.json", _numbered(stored.tgt_subword))
    pieces, specials = all_pieces(stored.tgt_subword), stored.tgt_subword.specials
    settings = {
        "tokenizer_class": "MarianTokenizer",
        "separate_vocabs": not shared,
        "unk_token": pieces[specials.unk],
        "pad_token": pieces[specials.pad],
        "eos_token": pieces[specials.eos],
        "model_max_length": max_positions(stored.config),
    }
    _write_json(directory / "tokenizer_config.json", settings)


def _numbered(subword: Subword) -> dict[str, int]:
    return {piece: number for number, piece in enumerate(all_pieces(subword))}


def _their_tensors(stored: StoredModel, config: TransformerConfig) -> dict[str, Tensor]:
    ours = {name: tensor.detach().float() for name, tensor in stored.model.state_dict().items()}
    theirs = {place.theirs: to_theirs(ours[place.ours], place.dim) for place in places(config)}
    theirs["final_logits_bias"] = ours[OUTPUT_BIAS][None]  # (1, V)
    if stored.config.subword.shared:
        theirs["model.shared.weight"] = to_theirs(ours[SRC_TABLE], 1)
    else:
        theirs["model.encoder.embed_tokens.weight"] = to_theirs(ours[SRC_TABLE], 1)
        theirs["model.decoder.embed_tokens.weight"] = to_theirs(ours[TGT_TABLE], 1)
    return theirs


def _verify(stored: StoredModel, directory: Path) -> None:
    from transformers import MarianMTModel

    with torch.random.fork_rng(devices=[]):  # it draws first weights, and the caller's draws stay as they were
        theirs = cast("nn.Module", MarianMTModel.from_pretrained(directory, local_files_only=True))
    theirs.train(False)
    specials = stored.tgt_subword.specials
    sources = sample_sources(stored)
    targets = [tuple(i % len(stored.tgt_subword) for i in source[::-1]) for source in sources]
    worst = 0.0
    for source, target in zip(sources, targets, strict=True):
        batch = collate([source], [target], specials=specials)
        with torch.inference_mode():
            found = theirs(input_ids=batch.src_ids, decoder_input_ids=batch.tgt_in_ids).logits
            wanted = stored.model.project(stored.model(batch).hidden)
        worst = max(worst, float((found - wanted).abs().max()))
    if not worst <= CLOSE:
        raise CheckpointError(
            f"logits of MarianMT differ from regard's by up to {worst:.2g}, so nothing was exported: this is a fault "
            "of regard or of that version of transformers; please report it with both versions"
        )


def _write_json(path: Path, tree: Mapping[str, object]) -> None:
    path.write_text(json.dumps(tree, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
