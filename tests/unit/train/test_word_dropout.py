"""Word dropout replaces words, and only words, at the given rate."""

from __future__ import annotations

import torch

from regard.data.collate import collate
from regard.train.word_dropout import drop_words
from regard.values import Batch, Specials

SPECIALS = Specials()


def example(rows: int = 400) -> Batch:
    src = [[5 + number % 7] * (1 + number % 9) for number in range(rows)]
    tgt = [[4 + number % 5] * (1 + number % 6) for number in range(rows)]
    return collate(src, tgt, specials=SPECIALS)


def test_words_are_replaced_at_the_rate() -> None:
    torch.manual_seed(1)
    batch = example()
    dropped = drop_words(batch, 0.3, SPECIALS)
    for before, after in ((batch.src_ids, dropped.src_ids), (batch.tgt_in_ids, dropped.tgt_in_ids)):
        words = before > SPECIALS.eos
        assert torch.equal(after[~words], before[~words])
        assert ((after == before) | (after == SPECIALS.unk)).all()
        share = (after[words] == SPECIALS.unk).float().mean().item()
        assert 0.2 < share < 0.4  # a standard deviation is 0.013


def test_targets_to_predict_stay_the_same() -> None:
    batch = example()
    dropped = drop_words(batch, 0.9, SPECIALS)
    for name in ("tgt_out_ids", "src_len", "tgt_len", "indices", "num_tgt_tokens"):
        assert getattr(dropped, name) is getattr(batch, name)


def test_the_seed_determines_the_words() -> None:
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(drop_words(example(), 0.3, SPECIALS))
    assert torch.equal(results[0].src_ids, results[1].src_ids)
    assert torch.equal(results[0].tgt_in_ids, results[1].tgt_in_ids)
    assert not torch.equal(results[0].src_ids, results[2].src_ids)
