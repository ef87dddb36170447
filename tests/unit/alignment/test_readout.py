"""From attention to links: the rules by hand and against loops, subwords, `</s>`, the shift."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from regard.alignment.readout import Readout
from regard.errors import DataError
from regard.inspection.record import AttentionRecord

RULES = ["shares", "strongest", "threshold"]


@pytest.fixture
def table(encode):
    """What makes a record of one-subword words from rows that have a last column for `</s>`."""

    def make(*rows):
        src = " ".join("abcdefgh"[: len(rows[0]) - 1])
        tgt = " ".join("mnopqrst"[: len(rows) - 1])
        return AttentionRecord(encode(src), encode(tgt), (torch.tensor([rows]),))

    return make


def test_mass_is_summed_over_the_source_and_the_most_of_the_target(encode):
    weights = torch.tensor([[[0.5, 0.3, 0.1, 0.1], [0.1, 0.1, 0.7, 0.1], [0.0, 0.0, 0.0, 1.0]]])
    record = AttentionRecord(encode("a|b c"), encode("x|y"), (weights,))
    torch.testing.assert_close(record.words(shifted=False), torch.tensor([[0.8, 0.7, 0.1]]))
    torch.testing.assert_close(record.words(shifted=True), torch.tensor([[0.2, 0.7, 1.0]]))


def test_the_shift_reads_the_row_of_the_next_step(table):
    rows = [[0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.8, 0.1, 0.1]]
    assert Readout("strongest").links(table(*rows)) == ((0, 0), (1, 1))
    assert Readout("strongest", shifted=True).links(table(*rows)) == ((0, 1), (1, 0))


def test_a_sentence_cut_short_has_no_row_after_its_last_word(encode):
    weights = torch.tensor([[[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]]])
    record = AttentionRecord(encode("a b"), encode("x y"), (weights,))
    for rule in ("strongest", "threshold"):
        assert Readout(rule, shifted=True).links(record) == ((1, 0),)
    assert Readout(shifted=True).links(record) == ((0, 0), (1, 0))


def test_two_source_words_of_one_target_word(table):
    # "How was" / "Comment": both source words looked at by one word and by no other.
    both = table([0.6, 0.4, 0.0], [0.0, 0.0, 1.0])
    assert Readout("strongest").links(both) == ((0, 0),)
    assert Readout("threshold").links(both) == ((0, 0), (1, 0))
    assert Readout("shares").links(both) == ((0, 0), (1, 0))


def test_a_word_that_looks_ahead_for_agreement_is_linked_to_its_own(table):
    # "a cow" / "une vache": `une` needs the gender of `cow`, but `a` is looked at by `une` alone.
    ahead = table([0.3, 0.6, 0.1], [0.0, 0.95, 0.05], [0.0, 0.0, 1.0])
    assert Readout("strongest").links(ahead) == ((1, 0), (1, 1))
    assert Readout("shares").links(ahead) == ((0, 0), (1, 1))


def test_the_end_of_the_sentence_takes_words(table):
    row = [0.3, 0.1, 0.6]
    record = table(row, [0.0, 0.0, 1.0])
    for rule in ("strongest", "threshold"):
        assert Readout(rule, threshold=0.05).links(record) == ()
        assert (0, 0) in Readout(rule, threshold=0.05, end=0.7).links(record)
    # No word of its own; but `a` and `b`, which nobody else looked at, ask for it.
    assert Readout().links(record) == ((0, 0), (1, 0))
    assert Readout().links(table([0.01, 0.01, 0.98], [0.0, 0.0, 1.0])) == ()


def test_thresholds(table):
    record = table([0.5, 0.3, 0.2, 0.0], [0.0, 0.3, 0.3, 0.4], [0.0, 0.0, 0.0, 1.0])
    assert Readout("threshold", threshold=0.25).links(record) == ((0, 0), (1, 0), (1, 1), (2, 1))
    assert Readout("threshold", threshold=0.3).links(record) == ((0, 0),)
    assert Readout("shares", threshold=0.45).links(record) == ((0, 0), (1, 0), (1, 1), (2, 1))
    assert Readout("shares", threshold=0.55).links(record) == ((0, 0), (1, 0), (2, 1))


def by_loops(mass, rule, threshold, end):
    """The rules said once more, cell by cell."""
    num_tgt, num_src = len(mass), len(mass[0]) - 1
    links = set()
    totals = [sum(row[i] for row in mass) for i in range(num_src)]
    for j, row in enumerate(mass):
        for i in range(num_src):
            speaks = row[-1] <= end
            if rule == "threshold" and speaks and row[i] > threshold:
                links.add((i, j))
            if rule == "strongest" and speaks and row[i] == max(row[:-1]) > 0:
                links.add((i, j))
            if rule == "shares" and totals[i] > 0:
                share = row[i] / totals[i]
                of_row = max(row[k] / totals[k] for k in range(num_src) if totals[k] > 0)
                of_column = max(mass[k][i] for k in range(num_tgt))
                seen = row[i] > 0.02
                if (speaks and share == of_row > 0) or (seen and (row[i] == of_column or share > threshold)):
                    links.add((i, j))
    return links


@given(st.integers(1, 5), st.integers(2, 5), st.integers(0, 10_000))
@pytest.mark.parametrize("rule", RULES)
def test_against_loops(rule, num_src, num_tgt, seed):
    # One target word would have all shares alike: from two on there are no ties.
    draw = torch.Generator().manual_seed(seed)
    mass = torch.rand(num_tgt + 1, num_src + 1, generator=draw)
    mass /= mass.sum(dim=1, keepdim=True)
    record = AttentionRecord(_plain(num_src), _plain(num_tgt), (mass[None],))
    found = set(Readout(rule, threshold=0.3, end=0.4).links(record))
    assert found == by_loops(mass[:-1].tolist(), rule, 0.3, 0.4)


def _plain(count):
    from regard.values import Encoding

    text = " ".join("w" * count)
    spans = tuple((2 * i, 2 * i + 1) for i in range(count))
    return Encoding(text, tuple(range(count)), ("▁w",) * count, spans)


def test_unknown():
    with pytest.raises(DataError, match=r"shares, strongest, threshold, got 'argmax'"):
        Readout("argmax")
