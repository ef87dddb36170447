"""From attention to links: the rules in examples and against loops, subwords, `</s>`, the shift."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from regard.alignment.readout import Readout, Rule, guided_readout, known_readout
from regard.config.schema import Config
from regard.errors import DataError
from regard.inspection.record import AttentionRecord
from regard.store.manifest import StoredReadout
from regard.values import Encoding

Table = Callable[..., AttentionRecord]
RULES: list[Rule] = ["shares", "strongest", "threshold"]


@pytest.fixture
def table(encode: Callable[[str], Encoding]) -> Table:
    """Makes a record of one-subword words from rows whose last column is `</s>`."""

    def make(*rows: list[float]) -> AttentionRecord:
        src = " ".join("abcdefgh"[: len(rows[0]) - 1])
        tgt = " ".join("mnopqrst"[: len(rows) - 1])
        return AttentionRecord(encode(src), encode(tgt), (torch.tensor([rows]),))

    return make


def test_weights_are_summed_over_source_subwords_and_maximal_over_target_subwords(
    encode: Callable[[str], Encoding],
) -> None:
    weights = torch.tensor([[[0.5, 0.3, 0.1, 0.1], [0.1, 0.1, 0.7, 0.1], [0.0, 0.0, 0.0, 1.0]]])
    record = AttentionRecord(encode("a|b c"), encode("x|y"), (weights,))
    torch.testing.assert_close(record.words(shifted=False), torch.tensor([[0.8, 0.7, 0.1]]))
    torch.testing.assert_close(record.words(shifted=True), torch.tensor([[0.2, 0.7, 1.0]]))


def test_the_shift_reads_the_row_of_the_next_step(table: Table) -> None:
    rows = [[0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.8, 0.1, 0.1]]
    assert Readout("strongest").links(table(*rows)) == ((0, 0), (1, 1))
    assert Readout("strongest", shifted=True).links(table(*rows)) == ((0, 1), (1, 0))


def test_unfinished_translations_have_no_row_after_the_last_word(encode: Callable[[str], Encoding]) -> None:
    weights = torch.tensor([[[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]]])
    record = AttentionRecord(encode("a b"), encode("x y"), (weights,))
    rules: list[Rule] = ["strongest", "threshold"]
    for rule in rules:
        assert Readout(rule, shifted=True).links(record) == ((1, 0),)
    assert Readout(shifted=True).links(record) == ((0, 0), (1, 0))


def test_two_source_words_of_one_target_word(table: Table) -> None:
    # "How was" / "Comment": one target word attends to both source words, and no other does.
    both = table([0.6, 0.4, 0.0], [0.0, 0.0, 1.0])
    assert Readout("strongest").links(both) == ((0, 0),)
    assert Readout("threshold").links(both) == ((0, 0), (1, 0))
    assert Readout("shares").links(both) == ((0, 0), (1, 0))


def test_shares_link_a_word_that_attends_to_the_next_one_for_agreement(table: Table) -> None:
    # "a cow" / "une vache": `une` needs the gender of `cow`, but only `une` attends to `a`.
    ahead = table([0.3, 0.6, 0.1], [0.0, 0.95, 0.05], [0.0, 0.0, 1.0])
    assert Readout("strongest").links(ahead) == ((1, 0), (1, 1))
    assert Readout("shares").links(ahead) == ((0, 0), (1, 1))


def test_words_that_attend_to_the_end_have_no_link_of_their_own(table: Table) -> None:
    row = [0.3, 0.1, 0.6]
    record = table(row, [0.0, 0.0, 1.0])
    rules: list[Rule] = ["strongest", "threshold"]
    for rule in rules:
        assert Readout(rule, threshold=0.05).links(record) == ()
        assert (0, 0) in Readout(rule, threshold=0.05, end=0.7).links(record)
    # `a` and `b` are linked from their side, since no other word attends to them.
    assert Readout().links(record) == ((0, 0), (1, 0))
    assert Readout().links(table([0.01, 0.01, 0.98], [0.0, 0.0, 1.0])) == ()


def test_thresholds(table: Table) -> None:
    record = table([0.5, 0.3, 0.2, 0.0], [0.0, 0.3, 0.3, 0.4], [0.0, 0.0, 0.0, 1.0])
    assert Readout("threshold", threshold=0.25).links(record) == ((0, 0), (1, 0), (1, 1), (2, 1))
    assert Readout("threshold", threshold=0.3).links(record) == ((0, 0),)
    assert Readout("shares", threshold=0.45).links(record) == ((0, 0), (1, 0), (1, 1), (2, 1))
    assert Readout("shares", threshold=0.55).links(record) == ((0, 0), (1, 0), (2, 1))


def links_by_loops(weights: list[list[float]], rule: Rule, threshold: float, end: float) -> set[tuple[int, int]]:
    """The rules, cell by cell."""
    num_tgt, num_src = len(weights), len(weights[0]) - 1
    links = set()
    totals = [sum(row[i] for row in weights) for i in range(num_src)]
    for j, row in enumerate(weights):
        for i in range(num_src):
            may_link = row[-1] <= end
            if rule == "threshold" and may_link and row[i] > threshold:
                links.add((i, j))
            if rule == "strongest" and may_link and row[i] == max(row[:-1]) > 0:
                links.add((i, j))
            if rule == "shares" and totals[i] > 0:
                share = row[i] / totals[i]
                of_row = max(row[k] / totals[k] for k in range(num_src) if totals[k] > 0)
                of_column = max(weights[k][i] for k in range(num_tgt))
                enough = row[i] > 0.02
                if (may_link and share == of_row > 0) or (enough and (row[i] == of_column or share > threshold)):
                    links.add((i, j))
    return links


@given(st.integers(1, 5), st.integers(2, 5), st.integers(0, 10_000))
@pytest.mark.parametrize("rule", RULES)
def test_against_loops(rule: Rule, num_src: int, num_tgt: int, seed: int) -> None:
    # With a single target word all shares are equal; with two or more there are no ties.
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(num_tgt + 1, num_src + 1, generator=generator)
    weights /= weights.sum(dim=1, keepdim=True)
    record = AttentionRecord(one_letter_words(num_src), one_letter_words(num_tgt), (weights[None],))
    found = set(Readout(rule, threshold=0.3, end=0.4).links(record))
    assert found == links_by_loops(weights[:-1].tolist(), rule, 0.3, 0.4)


def test_the_hidden_markov_model(table: Table) -> None:
    # The last target word attends to two places; the one next to its neighbor's place is linked.
    record = table([0.9, 0.1, 0.0, 0.0], [0.1, 0.9, 0.0, 0.0], [0.4, 0.1, 0.5, 0.0], [0.0, 0.0, 0.0, 1.0])
    assert Readout("hmm").links(record) == ((0, 0), (1, 1), (2, 2))
    assert Readout("threshold").links(record) == ((0, 0), (0, 2), (1, 1), (2, 2))
    assert Readout("hmm", threshold=0.999).links(record) == ()
    assert Readout("hmm", shifted=True).links(record) == ((1, 0), (2, 1))


@pytest.mark.parametrize("rule", [*RULES, "hmm"])
def test_links_of_several_pairs_are_those_of_each(rule: Rule, table: Table, encode: Callable[[str], Encoding]) -> None:
    short = table([0.6, 0.4, 0.0], [0.0, 0.0, 1.0])
    long = table([0.2, 0.7, 0.1, 0.0], [0.1, 0.8, 0.1, 0.0], [0.0, 0.0, 0.0, 1.0])
    empty = AttentionRecord(Encoding("", (), (), ()), encode("x"), (torch.tensor([[[1.0], [1.0]]]),))
    readout = Readout(rule)
    assert readout.links_of([long, empty, short]) == [readout.links(long), (), readout.links(short)]
    assert readout.links_of([]) == []


def one_letter_words(count: int) -> Encoding:
    text = " ".join("w" * count)
    spans = tuple((2 * i, 2 * i + 1) for i in range(count))
    return Encoding(text, tuple(range(count)), ("▁w",) * count, spans)


def test_another_matrix_is_read_by_the_default_rule() -> None:
    own = Readout("threshold", 1, 0, shifted=True, threshold=0.4, end=0.7)
    assert own.for_matrix(None, None) == own.for_matrix(1, 0) == own
    assert own.for_matrix(1, None) == Readout(layer=1)
    assert own.for_matrix(1, 1) == Readout(layer=1, head=1)
    assert own.for_matrix(0, None) == Readout(layer=0)


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        ({}, None),
        ({"guided_layer": 1}, None),
        ({"guided_weight": 0.1}, Readout(layer=1, head=0)),
        ({"guided_weight": 0.1, "guided_layer": 2, "guided_head": 3}, Readout(layer=2, head=3)),
        ({"guided_weight": 0.1, "guided_shift": True}, Readout("threshold", 1, 0, shifted=True, threshold=0.4)),
    ],
)
def test_known_readouts(train: dict[str, object], expected: Readout | None) -> None:
    config = Config.model_validate({"model": {"kind": "transformer", "decoder_layers": 3}, "train": train})
    assert known_readout(config, None) == expected
    stored = StoredReadout(rule="strongest", layer=0, end=0.9)
    assert known_readout(config, stored) == Readout("strongest", layer=0, end=0.9)


def test_new_models_with_a_guided_head_are_read_by_the_hidden_markov_model() -> None:
    train = {"guided_weight": 0.1, "guided_shift": True}
    config = Config.model_validate({"model": {"kind": "transformer", "decoder_layers": 3}, "train": train})
    assert guided_readout(config) == Readout("hmm", 1, 0, shifted=True)
    config = config.model_copy(update={"train": config.train.model_copy(update={"guided_shift": False})})
    assert guided_readout(config) == Readout(layer=1, head=0) == known_readout(config, None)
    assert guided_readout(Config()) is None


def test_the_guided_layer_of_a_recurrent_model_is_its_only_one() -> None:
    config = Config.model_validate({"model": {"kind": "rnn", "decoder_layers": 3}, "train": {"guided_weight": 0.1}})
    assert known_readout(config, None) == Readout(layer=0, head=0)


def test_unknown_rules_are_refused() -> None:
    with pytest.raises(DataError, match=r"hmm, shares, strongest, threshold, got 'argmax'"):
        Readout("argmax")  # type: ignore[arg-type]
