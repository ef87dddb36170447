"""The choice of layer, head and shift: a planted head must be found, with gold links and without."""

from __future__ import annotations

import pytest
import torch

from regard.alignment.head_selection import dictionary_criterion, gold_criterion, rank_candidates
from regard.alignment.readout import Readout
from regard.inspection.record import AttentionRecord
from regard.text.links import GoldLinks

WORDS = 12
LENGTH = 5


def planted(encode, *, shift, count=30):
    """Records of three heads in each of two layers, and the gold links: target words are shuffled source words.

    Layer 1, head 2 looks at the right word (`shift` rows later), layer 0, head 0 at its own position, layer 0,
    head 1 at the end, the others of layer 1 beside the right word.
    """
    draw = torch.Generator().manual_seed(7)
    records, gold = [], []
    for _ in range(count):
        words = torch.randperm(WORDS, generator=draw)[:LENGTH].tolist()
        order = torch.randperm(LENGTH, generator=draw).tolist()
        src, tgt = " ".join(f"s{w}" for w in words), " ".join(f"t{words[i]}" for i in order)
        layers = [0.2 + torch.rand(3, LENGTH + 1, LENGTH + 1, generator=draw) for _ in range(2)]
        for row, place in enumerate(order):
            layers[0][0, row, row] += 3
            layers[0][1, row, LENGTH] += 3
            layers[1][0, row, (place + 1) % LENGTH] += 9
            layers[1][1, row, (place + 2) % LENGTH] += 9
            layers[1][2, row + shift, place] += 3
        layers = [one / one.sum(-1, keepdim=True) for one in layers]
        records.append(AttentionRecord(encode(src), encode(tgt), tuple(layers)))
        links = tuple(sorted((place, row) for row, place in enumerate(order)))
        gold.append(GoldLinks(links, links))
    return records, gold


@pytest.mark.parametrize("shift", [0, 1])
def test_the_planted_head_is_found(encode, shift):
    records, gold = planted(encode, shift=shift)
    for judge in (gold_criterion(gold), dictionary_criterion(records)):
        best = rank_candidates(records, judge)[0]
        assert (best.readout.layer, best.readout.head, best.readout.shifted) == (1, 2, bool(shift))
    assert rank_candidates(records, gold_criterion(gold))[0].score > 0.9


def test_all_matrices_are_tried_once_each(encode):
    records, gold = planted(encode, shift=0, count=2)
    choices = rank_candidates(records, gold_criterion(gold), Readout("strongest"))
    assert len({choice.readout for choice in choices}) == len(choices) == 2 * (1 + 2 * (1 + 3))
    assert all(choice.readout.rule == "strongest" for choice in choices)
    assert [choice.score for choice in choices] == sorted((choice.score for choice in choices), reverse=True)
    assert str(choices[0]).endswith(f": {choices[0].score:.3f}")


def test_one_matrix_has_only_the_shift_to_choose(make_record):
    record = make_record("a b c", "d e f")
    assert len(rank_candidates([record], dictionary_criterion([record]))) == 2


def test_a_dictionary_by_hand(encode):
    # Three pairs "a b" / "x y". Linked a-x, b-y each time, every word tells its partner: ln(2 * 6 / 9) a link.
    record = AttentionRecord(encode("a b"), encode("x y"), (torch.eye(3)[None],))
    judge = dictionary_criterion([record] * 3)
    right = judge([((0, 0), (1, 1))] * 3)
    assert right == pytest.approx(torch.tensor(12 / 9).log().item())
    assert judge([((0, 0), (0, 1), (1, 0), (1, 1))] * 3) == 0
    assert judge([()] * 3) == 0
