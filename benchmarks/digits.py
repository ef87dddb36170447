"""Small models that learn to copy or reverse digits, for questions that need no language."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch.nn import functional as F

from regard.config.schema import AttentionConfig, RNNConfig
from regard.data.collate import collate
from regard.model.build import build_model
from regard.model.seq2seq import Seq2Seq
from regard.values import Batch, Specials

SPECIALS = Specials()
VOCAB, RATE = 14, 4e-3


def examples(count: int, seed: int, shortest: int, longest: int, *, backwards: bool = False) -> Batch:
    """A batch of random digit sequences, with the same or the reversed sequence as target."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(shortest, longest + 1, (count,), generator=generator).tolist()
    sources = [torch.randint(4, VOCAB, (length,), generator=generator).tolist() for length in lengths]
    targets = [source[::-1] for source in sources] if backwards else sources
    return collate(sources, targets, specials=SPECIALS)


def train(
    attention: AttentionConfig, batches: Iterable[Batch], *, seed: int, rate: Callable[[int], float] = lambda step: RATE
) -> Seq2Seq:
    """Trains a small model with Bahdanau's decoder, once on each batch, with a learning rate per step."""
    torch.manual_seed(seed)
    config = RNNConfig(decoder="bahdanau", cell="gru", embed_size=32, hidden_size=64, dropout=0.0, attention=attention)
    model = build_model(config, src_vocab=VOCAB, tgt_vocab=VOCAB, shared=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98))
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        logits = model.project(model(batch).hidden)
        loss = F.cross_entropy(logits.flatten(0, 1), batch.tgt_out_ids.flatten(), ignore_index=SPECIALS.pad)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval()
