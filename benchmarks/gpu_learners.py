"""Models, batches and training steps for `gpu_checks.py`, of regard and of Hugging Face Marian at the same size."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Protocol

import torch
from torch import Tensor
from work import transformer_operations

from regard.config.schema import ModelConfig, TransformerConfig
from regard.data.collate import collate
from regard.model.build import build_model
from regard.model.seq2seq import Seq2Seq
from regard.train.objective import Objective
from regard.train.optimizer import Updater
from regard.train.precision import Precision
from regard.train.step import TrainingStep
from regard.values import Batch, Specials

SPECIALS = Specials()


def build(config: ModelConfig, vocab: int, device: str) -> Seq2Seq:
    """Builds a model with the same initial weights on every device."""
    torch.manual_seed(1)
    return build_model(config, src_vocab=vocab, tgt_vocab=vocab, shared=True, specials=SPECIALS).to(device)


def random_batches(vocab: int, tokens: int, count: int) -> Iterator[Batch]:
    """Batches like those of a bucketed corpus: of different shapes, with a twentieth of padding.

    Ids are random, with low ids more frequent than high ones, so that there is something to learn.

    Args:
        vocab: Vocabulary size.
        tokens: Approximate number of tokens per batch on its longer side, padding included.
        count: Number of batches.
    """
    generator = random.Random(1)
    for _ in range(count):
        longest, ratio = generator.randint(8, 60), generator.uniform(0.9, 1.2)
        src, tgt = (
            [
                [
                    4 + int((vocab - 4) * generator.random() ** 3)
                    for _ in range(generator.randint(max(1, round(0.9 * limit)) - 1, limit - 1))
                ]
                for _ in range(max(1, round(tokens / longest / max(1, ratio))))
            ]
            for limit in (longest, max(2, round(ratio * longest)))
        )
        yield collate(src, tgt, specials=SPECIALS)


@dataclass(frozen=True)
class Size:
    """Sizes of a Transformer with tied embeddings."""

    layers: int
    width: int
    heads: int
    ff_size: int
    vocab: int
    tokens: tuple[int, ...]

    def operations(self, batch: Batch) -> float:
        """Number of operations of a training step, as `work.py` counts them."""
        return transformer_operations(
            batch.src_len.tolist(), batch.tgt_len.tolist(),
            layers=self.layers, width=self.width, ff_size=self.ff_size, vocab=self.vocab,
        )  # fmt: skip


T1 = Size(3, 256, 4, 1024, 8_000, tokens=(4_096, 25_000))
BASE = Size(6, 512, 8, 2048, 32_000, tokens=(4_096, 25_000))


class TrainStep(Protocol):
    """Function that trains one step."""

    def __call__(self, batch: Batch) -> Tensor:
        """Makes one update and returns the mean loss without waiting for the GPU."""
        ...


def our_step(size: Size, device: str) -> TrainStep:
    """Training step of regard in bfloat16."""
    config = TransformerConfig(
        width=size.width, ff_size=size.ff_size, heads=size.heads,
        encoder_layers=size.layers, decoder_layers=size.layers, dropout=0.1,
    )  # fmt: skip
    model = build(config, size.vocab, device).train()
    updater = Updater(model, betas=(0.9, 0.98), clip_norm=1.0)
    step = TrainingStep(model, updater, Precision("bfloat16", device), Objective(0.1))
    numbers = count(1)
    return lambda batch: step([batch], 5e-4, update=next(numbers)).loss / batch.num_tgt_tokens


def marian_step(size: Size, device: str) -> TrainStep:
    """Training step of Hugging Face Marian at the same size: bfloat16 autocast, fused AdamW and the same clipping."""
    from transformers import MarianConfig, MarianMTModel

    config = MarianConfig(
        vocab_size=size.vocab, d_model=size.width, dropout=0.1, activation_dropout=0.1, activation_function="relu",
        max_position_embeddings=256, scale_embedding=True, pad_token_id=SPECIALS.pad, bos_token_id=SPECIALS.bos,
        eos_token_id=SPECIALS.eos, decoder_start_token_id=SPECIALS.bos, forced_eos_token_id=None,
        encoder_layers=size.layers, encoder_attention_heads=size.heads, encoder_ffn_dim=size.ff_size,
        decoder_layers=size.layers, decoder_attention_heads=size.heads, decoder_ffn_dim=size.ff_size,
    )  # fmt: skip
    torch.manual_seed(1)
    model = MarianMTModel(config)
    model.to(torch.device(device))  # type: ignore[arg-type]  # its annotation lacks self
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, betas=(0.9, 0.98), fused=True)

    def step(batch: Batch) -> Tensor:
        placed = batch.to(device)
        labels = placed.tgt_out_ids.masked_fill(placed.tgt_out_ids == SPECIALS.pad, -100)
        with torch.autocast(device, dtype=torch.bfloat16):
            loss: Tensor = model(
                input_ids=placed.src_ids, attention_mask=placed.src_ids.ne(SPECIALS.pad).long(),
                decoder_input_ids=placed.tgt_in_ids, labels=labels,
            ).loss  # fmt: skip
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    return step
