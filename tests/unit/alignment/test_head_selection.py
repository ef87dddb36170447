"""Selection of layer, head and shift: a planted head must be found, with gold links and without."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from regard.alignment.head_selection import Candidate, dictionary_criterion, gold_criterion, rank_candidates
from regard.alignment.readout import Readout
from regard.inspection.record import AttentionRecord
from regard.text.links import GoldLinks
from regard.values import Encoding

Encode = Callable[[str], Encoding]
WORDS = 12
LENGTH = 5


def planted(encode: Encode, *, shift: int, count: int = 30) -> tuple[list[AttentionRecord], list[GoldLinks]]:
    """Records of two layers with three heads each, and gold links: target words are shuffled source words.

    Head 2 of layer 1 attends to the right word (`shift` rows later), the other heads of layer 1 to words beside it;
    head 0 of layer 0 attends to its own position, head 1 to the end.
    """
    generator = torch.Generator().manual_seed(7)
    records, gold = [], []
    for _ in range(count):
        words = torch.randperm(WORDS, generator=generator)[:LENGTH].tolist()
        order = torch.randperm(LENGTH, generator=generator).tolist()
        src, tgt = " ".join(f"s{word}" for word in words), " ".join(f"t{words[position]}" for position in order)
        layers = [0.2 + torch.rand(3, LENGTH + 1, LENGTH + 1, generator=generator) for _ in range(2)]
        for row, column in enumerate(order):
            layers[0][0, row, row] += 3
            layers[0][1, row, LENGTH] += 3
            layers[1][0, row, (column + 1) % LENGTH] += 9
            layers[1][1, row, (column + 2) % LENGTH] += 9
            layers[1][2, row + shift, column] += 3
        layers = [layer / layer.sum(-1, keepdim=True) for layer in layers]
        records.append(AttentionRecord(encode(src), encode(tgt), tuple(layers)))
        links = tuple(sorted((column, row) for row, column in enumerate(order)))
        gold.append(GoldLinks(links, links))
    return records, gold


@pytest.mark.parametrize("shift", [0, 1])
def test_the_planted_head_is_found(encode: Encode, shift: int) -> None:
    records, gold = planted(encode, shift=shift)
    for criterion in (gold_criterion(gold), dictionary_criterion(records)):
        best = rank_candidates(records, criterion)[0]
        assert (best.readout.layer, best.readout.head, best.readout.shifted) == (1, 2, bool(shift))
    assert rank_candidates(records, gold_criterion(gold))[0].score > 0.9


def test_every_matrix_is_a_candidate_once(encode: Encode) -> None:
    records, gold = planted(encode, shift=0, count=2)
    candidates = rank_candidates(records, gold_criterion(gold), Readout("strongest"))
    assert len({candidate.readout for candidate in candidates}) == len(candidates) == 2 * (1 + 2 * (1 + 3))
    assert all(candidate.readout.rule == "strongest" for candidate in candidates)
    scores = [candidate.score for candidate in candidates]
    assert scores == sorted(scores, reverse=True)


def test_candidates_as_text() -> None:
    assert str(Candidate(Readout(), 0.5)) == "mean of layers, mean of heads: 0.500"
    assert str(Candidate(Readout(layer=1, head=3, shifted=True), 0.9123)) == "layer 1, head 3, shifted: 0.912"


def test_a_single_matrix_leaves_only_the_shift(make_record: Callable[..., AttentionRecord]) -> None:
    record = make_record("a b c", "d e f")
    assert len(rank_candidates([record], dictionary_criterion([record]))) == 2


def test_dictionary_criterion(encode: Encode) -> None:
    # Three pairs "a b" / "x y". With links a-x and b-y in each, every link predicts its words: ln(2 * 6 / 9) per link.
    record = AttentionRecord(encode("a b"), encode("x y"), (torch.eye(3)[None],))
    criterion = dictionary_criterion([record] * 3)
    assert criterion([((0, 0), (1, 1))] * 3) == pytest.approx(torch.tensor(12 / 9).log().item())
    assert criterion([((0, 0), (0, 1), (1, 0), (1, 1))] * 3) == 0
    assert criterion([()] * 3) == 0
