"""Small model directories in the format of transformers, written without transformers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import sentencepiece
import torch
from safetensors.torch import save_file
from torch import Tensor

EN = ["a man in a red hat rides a bicycle .", "two women are reading .", "the dog runs after the ball ."]
FR = ["un homme au chapeau rouge roule .", "deux femmes lisent .", "le chien court après le ballon ."]
WIDTH, FF_SIZE, LAYERS = 8, 12, {"encoder": 1, "decoder": 2}
POSITIONS = 32


def write_marian(directory: Path, **options: object) -> None:
    """Writes a random MarianMT model in the layout of transformers; `options` go into config.json."""
    directory.mkdir(parents=True, exist_ok=True)
    pieces: set[str] = set()
    for lines, side in ((EN, "source"), (FR, "target")):
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines * 10), model_prefix=str(directory / side), vocab_size=60,
            hard_vocab_limit=False, minloglevel=3,
        )  # fmt: skip
        (directory / f"{side}.model").rename(directory / f"{side}.spm")
        (directory / f"{side}.vocab").unlink()
        processor = sentencepiece.SentencePieceProcessor(model_file=str(directory / f"{side}.spm"))
        pieces |= {processor.id_to_piece(i) for i in range(processor.get_piece_size())} - {"<s>", "</s>", "<unk>"}
    listed = ["</s>", "<unk>", *sorted(pieces), "<pad>"]
    write_json(directory / "vocab.json", {text: number for number, text in enumerate(listed)})
    config: dict[str, object] = {
        "architectures": ["MarianMTModel"], "model_type": "marian", "vocab_size": len(listed),
        "decoder_vocab_size": len(listed), "d_model": WIDTH, "encoder_layers": LAYERS["encoder"],
        "decoder_layers": LAYERS["decoder"], "encoder_attention_heads": 2, "decoder_attention_heads": 2,
        "encoder_ffn_dim": FF_SIZE, "decoder_ffn_dim": FF_SIZE, "activation_function": "swish",
        "scale_embedding": True, "tie_word_embeddings": True, "share_encoder_decoder_embeddings": True,
        "max_position_embeddings": POSITIONS, "pad_token_id": len(listed) - 1, "eos_token_id": 0,
        "decoder_start_token_id": len(listed) - 1, "dropout": 0.1, "attention_dropout": 0.0,
    }  # fmt: skip
    write_json(directory / "config.json", config | options)
    write_json(directory / "generation_config.json", {"num_beams": 3, "length_penalty": 0.5, "max_length": POSITIONS})
    write_json(directory / "tokenizer_config.json", {"source_lang": "en", "target_lang": "fr"})
    save_file(marian_tensors(len(listed)), directory / "model.safetensors", metadata={"format": "pt"})


def marian_tensors(vocab_size: int) -> dict[str, Tensor]:
    """Random weights `(...)` of that model, by their names in transformers."""
    generator = torch.Generator().manual_seed(1)
    shapes = dict(_shapes(vocab_size))
    return {name: torch.randn(shape, generator=generator) * 0.3 for name, shape in shapes.items()}


def _shapes(vocab_size: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "model.shared.weight", (vocab_size, WIDTH)
    yield "final_logits_bias", (1, vocab_size)
    for side, depth in LAYERS.items():
        for number in range(depth):
            layer = f"model.{side}.layers.{number}."
            for attention in ("self_attn", *(["encoder_attn"] if side == "decoder" else [])):
                for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                    yield f"{layer}{attention}.{part}.weight", (WIDTH, WIDTH)
                    yield f"{layer}{attention}.{part}.bias", (WIDTH,)
                yield from _norm(f"{layer}{attention}_layer_norm")
            yield f"{layer}fc1.weight", (FF_SIZE, WIDTH)
            yield f"{layer}fc1.bias", (FF_SIZE,)
            yield f"{layer}fc2.weight", (WIDTH, FF_SIZE)
            yield f"{layer}fc2.bias", (WIDTH,)
            yield from _norm(f"{layer}final_layer_norm")


def _norm(name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (WIDTH,)
    yield f"{name}.bias", (WIDTH,)


def write_json(path: Path, tree: Mapping[str, object]) -> None:
    """Writes an object as JSON."""
    path.write_text(json.dumps(tree, ensure_ascii=False, indent=2), encoding="utf-8")


def edit_json(path: Path, **values: object) -> None:
    """Changes entries of a JSON object; `...` removes an entry."""
    tree = json.loads(path.read_text(encoding="utf-8")) | values
    write_json(path, {key: value for key, value in tree.items() if value is not ...})
