"""Trains Hugging Face's MarianMT with `Seq2SeqTrainer`; called by `toolkits.py`.

    python benchmarks/marian_trainer.py train CONFIG.json
    python benchmarks/marian_trainer.py translate CONFIG.json CHECKPOINT INPUT OUTPUT

Requires `transformers` and `accelerate`, but not regard. Texts consist of subwords separated by spaces.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import MarianConfig, MarianMTModel, Seq2SeqTrainer, Seq2SeqTrainingArguments, set_seed

PAD, EOS, FIRST = 0, 1, 2
IGNORED = -100
"""Label that the library's losses ignore."""


def vocabulary(config: dict[str, Any]) -> dict[str, int]:
    """Ids of the subwords."""
    pieces = Path(config["vocabulary"]).read_text(encoding="utf-8").splitlines()
    return {piece: number for number, piece in enumerate(pieces, start=FIRST)}


def encoded(path: str | Path, ids: dict[str, int]) -> list[list[int]]:
    """Ids of all sentences with `</s>`; unknown subwords are left out."""
    lines = Path(path).read_text(encoding="utf-8").split("\n")[:-1]
    return [[ids[piece] for piece in line.split() if piece in ids] + [EOS] for line in lines]


def padded(rows: list[list[int]], filler: int) -> torch.Tensor:
    """Pads rows to a tensor `(B, T)`."""
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=filler)


def marian(config: dict[str, Any], size: int) -> MarianMTModel:
    """A model of the same size as the other toolkits'."""
    layers, width, heads, inner = config["layers"], config["width"], config["heads"], config["ff_size"]
    return MarianMTModel(
        MarianConfig(
            vocab_size=size, d_model=width, max_position_embeddings=256, scale_embedding=True,
            encoder_layers=layers, decoder_layers=layers, encoder_attention_heads=heads, decoder_attention_heads=heads,
            encoder_ffn_dim=inner, decoder_ffn_dim=inner, activation_function="relu",
            dropout=config["dropout"], activation_dropout=config["dropout"], attention_dropout=0.0,
            pad_token_id=PAD, eos_token_id=EOS, bos_token_id=None, decoder_start_token_id=PAD, forced_eos_token_id=None,
            share_encoder_decoder_embeddings=True, tie_word_embeddings=True,
        )
    )  # fmt: skip


def train(config: dict[str, Any], checkpoint: str | None) -> None:
    """Trains until stopped or out of steps, from a checkpoint if given."""
    set_seed(config["seed"])
    ids = vocabulary(config)
    sources, targets = encoded(config["src"], ids), encoded(config["tgt"], ids)
    model = marian(config, len(ids) + FIRST)
    mean = statistics.mean(map(len, targets))
    # A batch has a fixed number of sentences, of similar lengths.
    sentences = round(config["tokens"] / mean)
    num_trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)  # without positions
    print(f"parameters {num_trained} tokens per update {sentences * mean:.1f}")

    def collate(pairs: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        src = padded([pair["input_ids"] for pair in pairs], PAD)
        labels = padded([pair["labels"] for pair in pairs], IGNORED)
        tgt_in = model.prepare_decoder_input_ids_from_labels(labels)
        return {"input_ids": src, "attention_mask": src.ne(PAD).long(), "labels": labels, "decoder_input_ids": tgt_in}

    arguments = Seq2SeqTrainingArguments(
        output_dir=config["out"], use_cpu=True, seed=config["seed"], report_to="none", disable_tqdm=True,
        per_device_train_batch_size=sentences, train_sampling_strategy="group_by_length", length_column_name="length",
        learning_rate=config["rate"], lr_scheduler_type="inverse_sqrt", warmup_steps=config["warmup"],
        adam_beta1=0.9, adam_beta2=0.98, max_grad_norm=1.0, label_smoothing_factor=0.1, remove_unused_columns=False,
        max_steps=config["steps"], save_steps=config["every"], save_strategy="steps", eval_strategy="no",
        logging_steps=min(50, config["every"]),
    )  # fmt: skip
    pairs = [
        {"input_ids": src, "labels": tgt, "length": len(src)} for src, tgt in zip(sources, targets, strict=True)
    ]  # fmt: skip
    trainer = Seq2SeqTrainer(model=model, args=arguments, train_dataset=pairs, data_collator=collate)
    trainer.train(resume_from_checkpoint=checkpoint)


def translate(config: dict[str, Any], checkpoint: str, source: str, output: str) -> None:
    """Translates a file greedily."""
    ids = vocabulary(config)
    pieces = {number: piece for piece, number in ids.items()}
    model = MarianMTModel.from_pretrained(checkpoint).eval()
    lines = []
    sentences = encoded(source, ids)
    for start in range(0, len(sentences), 64):
        src = padded(sentences[start : start + 64], PAD)
        with torch.inference_mode():
            generated = model.generate(
                input_ids=src, attention_mask=src.ne(PAD).long(), num_beams=1, do_sample=False, max_new_tokens=100
            )
        lines += [" ".join(pieces[i] for i in row if i >= FIRST) for row in generated.tolist()]
    Path(output).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    mode, path, *rest = sys.argv[1:]
    settings = json.loads(Path(path).read_text(encoding="utf-8"))
    if mode == "train":
        train(settings, rest[0] if rest else None)
    else:
        translate(settings, *rest)
