"""Export of Transformers to directories that MarianMTModel and MarianTokenizer of transformers load."""

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
from regard.files.packages import require_package
from regard.interop.ctranslate2.spec import all_pieces, max_positions
from regard.interop.exported import new_directory
from regard.interop.marian.weights import OUTPUT_BIAS, SRC_TABLE, TGT_TABLE, tensor_pairs, to_marian_order
from regard.interop.part_table import entry_of
from regard.interop.transformer_parts import check_transformer
from regard.interop.verification import sample_sources
from regard.store import StoredModel
from regard.store.weights import write_tensors
from regard.text.subword import Subword

CLOSE = 1e-4
"""Largest difference of two logits that still count as equal."""
_ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "silu": "swish"}


def export_marian(stored: StoredModel, path: str | Path) -> None:
    """Exports a model as a MarianMT model of Hugging Face's transformers.

    Before the directory is created, the logits of MarianMT for random sentences are compared with regard's.

    Args:
        stored: The model, on the CPU.
        path: New directory.

    Raises:
        ConfigError: transformers is not installed, or MarianMT cannot run the model; the message names the unsupported
            options or module.
        CheckpointError: The logits differ by more than 0.0001 (`CLOSE`), or the directory cannot be written.
    """
    require_package("transformers", to="export a model to MarianMT")
    config = _exportable(stored)
    with new_directory(path) as directory:
        _write_json(directory / "config.json", _marian_config(stored, config))
        _write_json(directory / "generation_config.json", _marian_search(stored))
        _write_vocabularies(stored, directory)
        write_tensors(directory / "model.safetensors", _marian_tensors(stored, config), metadata={"format": "pt"})
        _verify(stored, directory)


def _exportable(stored: StoredModel) -> TransformerConfig:
    config = stored.config.model
    obstacles = [f"model.{key}: {reason}" for key, reason in unsupported(config, "marian")]
    if obstacles or not isinstance(config, TransformerConfig):
        raise ConfigError(
            "MarianMT cannot run this model: translate with regard's own engine, or train a model with other values of "
            "these options:" + "".join(f"\n  {line}" for line in obstacles)
        )
    check_transformer(stored.model, config, engine="marian")
    return config


def _marian_config(stored: StoredModel, config: TransformerConfig) -> dict[str, object]:
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


def _marian_search(stored: StoredModel) -> dict[str, object]:
    specials, search = stored.tgt_subword.specials, stored.config.search
    return {
        "pad_token_id": specials.pad,
        "bos_token_id": specials.bos,
        "eos_token_id": specials.eos,
        "decoder_start_token_id": specials.bos,
        "bad_words_ids": [[token] for token in sorted({specials.pad, specials.bos})],
        "num_beams": search.beam,
        "length_penalty": search.length_penalty,
        "max_length": max_positions(stored.config),
    }


def _write_vocabularies(stored: StoredModel, directory: Path) -> None:
    shared = stored.config.subword.shared
    sides = {"source.spm": stored.src_subword, "target.spm": stored.tgt_subword}
    for name, subword in sides.items():
        subword.save(directory / name)
    _write_json(directory / "vocab.json", _piece_ids(stored.src_subword))
    if not shared:
        _write_json(directory / "target_vocab.json", _piece_ids(stored.tgt_subword))
    pieces, specials = all_pieces(stored.tgt_subword), stored.tgt_subword.specials
    tokenizer = {
        "tokenizer_class": "MarianTokenizer",
        "separate_vocabs": not shared,
        "unk_token": pieces[specials.unk],
        "pad_token": pieces[specials.pad],
        "eos_token": pieces[specials.eos],
        "model_max_length": max_positions(stored.config),
    }
    _write_json(directory / "tokenizer_config.json", tokenizer)


def _piece_ids(subword: Subword) -> dict[str, int]:
    return {piece: number for number, piece in enumerate(all_pieces(subword))}


def _marian_tensors(stored: StoredModel, config: TransformerConfig) -> dict[str, Tensor]:
    own = {name: tensor.detach().float() for name, tensor in stored.model.state_dict().items()}
    marian = {pair.marian: to_marian_order(own[pair.regard], pair.dim) for pair in tensor_pairs(config)}
    marian["final_logits_bias"] = own[OUTPUT_BIAS][None]  # (1, V)
    if stored.config.subword.shared:
        marian["model.shared.weight"] = to_marian_order(own[SRC_TABLE], 1)
    else:
        marian["model.encoder.embed_tokens.weight"] = to_marian_order(own[SRC_TABLE], 1)
        marian["model.decoder.embed_tokens.weight"] = to_marian_order(own[TGT_TABLE], 1)
    return marian


def _verify(stored: StoredModel, directory: Path) -> None:
    from transformers import MarianMTModel

    with torch.random.fork_rng(devices=[]):  # initial weights are drawn; the caller's generator stays unchanged
        marian = cast("nn.Module", MarianMTModel.from_pretrained(directory, local_files_only=True))
    marian.train(False)
    specials = stored.tgt_subword.specials
    sources = sample_sources(stored)
    targets = [tuple(i % len(stored.tgt_subword) for i in source[::-1]) for source in sources]
    worst = 0.0
    for source, target in zip(sources, targets, strict=True):
        batch = collate([source], [target], specials=specials)
        with torch.inference_mode():
            logits = marian(input_ids=batch.src_ids, decoder_input_ids=batch.tgt_in_ids).logits
            expected = stored.model.project(stored.model(batch).hidden)
        worst = max(worst, float((logits - expected).abs().max()))
    if not worst <= CLOSE:  # also if it is NaN
        raise CheckpointError(
            f"logits of MarianMT differ from regard's by up to {worst:.2g}, so nothing was exported: this is a bug in "
            "regard or in that version of transformers; please report it with both versions"
        )


def _write_json(path: Path, tree: Mapping[str, object]) -> None:
    path.write_text(json.dumps(tree, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
