"""Which layer and head an aligner reads, and two directions."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from regard.alignment.head_selection import dictionary_criterion, rank_candidates
from regard.alignment.readout import Readout
from regard.alignment.symmetrize import flipped, symmetrize
from regard.config.schema import Config
from regard.errors import DataError, ShapeError
from regard.model.build import build_model
from regard.store import StoredModel
from regard.text.links import GoldLinks
from regard.text.subword import Subword
from regard.translation.aligner import Aligner, ReadoutOptions, bidirectional, choose_readout
from regard.translation.chunks import chunks
from regard.translation.translator import Translator

SOURCES = ["the cat sleeps", "the dog sleeps", "a cat runs", "a dog runs", "the cat runs", "a dog sleeps"]
TARGETS = ["le chat dort", "le chien dort", "un chat court", "un chien court", "le chat court", "un chien dort"]
GOLD = [GoldLinks(((0, 0), (1, 1), (2, 2)), ((0, 0), (1, 1), (2, 2)))] * 6
RNN = {"kind": "rnn", "decoder": "bahdanau", "embed_size": 12, "hidden_size": 16}
TRANSFORMER = {
    "kind": "transformer", "width": 16, "ff_size": 16, "heads": 2, "encoder_layers": 1, "decoder_layers": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def subword():
    return Subword.train((SOURCES + TARGETS) * 3, vocab_size=320)


def translator(subword, model, seed=1, **train):
    config = Config.model_validate({"model": model, "train": train})
    torch.manual_seed(seed)
    made = build_model(config.model, src_vocab=len(subword), tgt_vocab=len(subword), shared=True).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(3.0)
    return Translator.of([StoredModel(made, config, subword, subword, None)])


def place(readout):
    return readout.layer, readout.head, readout.shifted


def test_a_recurrent_model_has_nothing_to_choose(subword):
    wanted = ReadoutOptions("threshold")
    assert choose_readout(translator(subword, RNN), SOURCES, TARGETS, wanted) == (Readout("threshold"), [])
    shifted, told = choose_readout(translator(subword, RNN), SOURCES, TARGETS, ReadoutOptions(shifted=True))
    assert (place(shifted), told) == ((None, None, True), [])


def test_a_transformer_is_tried_head_by_head_and_the_choice_told(subword):
    model = translator(subword, TRANSFORMER)
    readout, [told] = choose_readout(model, SOURCES, TARGETS, ReadoutOptions())
    records = [one.attention for one in model.score(SOURCES, TARGETS)]
    best = rank_candidates(records, dictionary_criterion(records))[0]
    assert readout == best.readout
    assert told.startswith(f"reading {best} (nats per target word that its links predict, 6 sentence pairs)")
    unshifted, _ = choose_readout(model, SOURCES, TARGETS, ReadoutOptions(shifted=False))
    assert not unshifted.shifted
    right, [told] = choose_readout(model, SOURCES, TARGETS, ReadoutOptions(), gold=GOLD)
    assert "1 - AER on gold links" in told
    assert right.layer is None or right.layer < 3


def test_what_the_user_says_counts(subword):
    model = translator(subword, TRANSFORMER, guided_weight=0.5)
    said, told = choose_readout(model, SOURCES, TARGETS, ReadoutOptions(layer=2, head=1), gold=GOLD)
    assert (place(said), told) == ((2, 1, False), [])


def test_a_layer_alone_leaves_its_heads_to_be_chosen(subword):
    model = translator(subword, TRANSFORMER)
    records = [one.attention for one in model.score(SOURCES, TARGETS)]
    best = next(one for one in rank_candidates(records, dictionary_criterion(records)) if one.readout.layer == 2)
    found, [told] = choose_readout(model, SOURCES, TARGETS, ReadoutOptions(layer=2))
    assert found == best.readout
    assert told.startswith(f"reading {best}")
    assert choose_readout(model, SOURCES, TARGETS, ReadoutOptions(head=1))[0].head == 1
    missing, _ = choose_readout(model, SOURCES, TARGETS, ReadoutOptions(layer=9))
    with pytest.raises(ShapeError, match="there is no layer 9"):
        missing.links(records[0])


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        ({}, Readout("shares", 1, 0)),
        ({"guided_layer": 2, "guided_head": 1}, Readout("shares", 2, 1)),
        ({"guided_shift": True}, Readout("threshold", 1, 0, shifted=True, threshold=0.4)),
    ],
)
def test_a_guided_head_is_read_everywhere(subword, train, expected):
    model = translator(subword, TRANSFORMER, guided_weight=0.5, **train)
    assert choose_readout(model, SOURCES, TARGETS, ReadoutOptions()) == (expected, [])
    [scored] = model.score(SOURCES[0], TARGETS[0])
    assert scored.alignment == expected.links(scored.attention)
    assert choose_readout(model, SOURCES, TARGETS, ReadoutOptions(layer=expected.layer, head=expected.head)) == (
        expected,
        [],
    )
    other, _ = choose_readout(model, SOURCES, TARGETS, ReadoutOptions(shifted=not expected.shifted))
    assert other == replace(expected, shifted=not expected.shifted)


def test_the_rule_that_is_wanted_replaces_the_models_own():
    own = Readout("threshold", 1, 0, shifted=True, threshold=0.4)
    assert ReadoutOptions().over(own) == own
    assert ReadoutOptions(threshold=0.2, end=0.3).over(own) == replace(own, threshold=0.2, end=0.3)
    assert ReadoutOptions("threshold").over(own) == own
    assert ReadoutOptions("shares").over(own) == Readout(
        "shares", 1, 0, shifted=True
    )  # 0.4 was made for the other rule
    assert ReadoutOptions("strongest", 0.7).over(Readout()) == Readout("strongest", threshold=0.7)


def test_too_few_pairs_to_choose(subword):
    readout, [told] = choose_readout(translator(subword, TRANSFORMER), ["the cat"], ["le chat"], ReadoutOptions())
    assert place(readout) == (None, None, False)
    assert "too few sentence pairs" in told


def test_two_directions_are_made_one(subword):
    there, back = Aligner(translator(subword, RNN), Readout()), Aligner(translator(subword, RNN, seed=2), Readout())
    forward, backward = there.links(SOURCES, TARGETS), back.links(TARGETS, SOURCES)
    for method in ("union", "grow-diag"):
        found = bidirectional(there, back, method).links(SOURCES, TARGETS)
        assert found == [symmetrize(a, flipped(b), method) for a, b in zip(forward, backward, strict=True)]


def test_what_is_too_long_is_told_of(subword):
    told = []
    model = translator(subword, {**TRANSFORMER, "position": "learned", "max_positions": 8})
    links = Aligner(model, Readout(), warn=told.append).links(["the cat", "the cat " * 9], ["le chat"] * 2, first=41)
    assert links[0]
    assert links[1] == ()
    [said] = told
    assert said.startswith("sentence 42: not read")


def test_an_empty_side_has_no_links(subword):
    assert Aligner(translator(subword, RNN), Readout()).links(["", "the cat"], ["le", ""]) == [(), ()]


def test_a_model_without_attention_is_refused(subword):
    plain = translator(subword, {**RNN, "decoder": "plain"})
    with pytest.raises(DataError, match="no attention to read"):
        Aligner(plain, Readout()).links(SOURCES, TARGETS)


def test_gold_links_of_another_text(subword):
    with pytest.raises(DataError, match="gold links of 6 sentence pairs, got 2"):
        choose_readout(translator(subword, RNN), SOURCES, TARGETS, ReadoutOptions(), gold=GOLD[:2])


@pytest.mark.parametrize("model", [RNN, TRANSFORMER], ids=["rnn", "transformer"])
def test_the_one_matrix_that_is_read_is_what_it_was_among_all(subword, model):
    one = translator(subword, model)
    sources, targets = [*SOURCES, "x" * 90, ""], [*TARGETS, "le chat dort " * 9, "x"]
    whole = [each.attention for each in one.score(sources, targets)]
    for layer in (None, *range(len(whole[0].layers))):
        for head in (None, *range(len(whole[0].layers[0]))):
            readout = Readout(layer=layer, head=head, shifted=True)
            kept = [each.attention for each in one.score(sources, targets, only=readout)]
            for full, part in zip(whole[:-1], kept[:-1], strict=True):
                assert torch.equal(part.matrix(), full.matrix(layer, head))
                assert part.layers[0].shape[0] == len(part.layers) == 1
            assert Aligner(one, readout).links(sources, targets)[:-1] == [readout.links(full) for full in whole[:-1]]
            assert whole[-1] is kept[-1] is None
    with pytest.raises(ShapeError, match="no layer 7"):
        Aligner(one, Readout(layer=7)).links(SOURCES, TARGETS)
    with pytest.raises(ShapeError, match="no head 7"):
        Aligner(one, Readout(head=7)).links(SOURCES, TARGETS)


def test_portions_hold_usual_pairs_by_their_number_and_long_ones_by_their_length():
    assert [one.stop - one.start for one in chunks(["a" * 300] * 1100, ["b" * 300] * 1100)] == [512, 512, 76]
    sizes = [10, 10, 9000, 9000, 10, 7000, 10]
    found = list(chunks(["é" * (size // 2) for size in sizes], ["b" * size for size in sizes]))
    assert [(one.start, one.stop) for one in found] == [(0, 2), (2, 3), (3, 4), (4, 7)]
    assert list(chunks([], [])) == []
    assert list(chunks(["\ud800"], ["x"])) == [slice(0, 1)]


def test_links_do_not_depend_on_portions(subword, monkeypatch):
    model = translator(subword, TRANSFORMER)
    expected = Aligner(model, Readout()).links(SOURCES, TARGETS)
    monkeypatch.setattr("regard.translation.chunks.AREA", 1)
    assert Aligner(model, Readout()).links(SOURCES, TARGETS) == expected


def test_a_pair_beyond_all_room_is_named(subword, monkeypatch):
    model, told = translator(subword, TRANSFORMER), []
    monkeypatch.setattr("regard.search.length_limits.MAX_ATTENTION_WEIGHTS", 500)
    aligner = Aligner(model, Readout(layer=0), warn=told.append)
    assert aligner.links(["the cat", "x" * 100], ["le chat", "y" * 100], first=3)[1] == ()
    [said] = told
    assert said.startswith("sentence 4: not read: its attention, 1 x 1")
    assert said.endswith("0.0 are allowed: divide it into sentences")


def test_a_choice_looks_at_as_many_pairs_as_there_is_room_for(subword, monkeypatch):
    model = translator(subword, TRANSFORMER)
    monkeypatch.setattr("regard.translation.aligner.MAX_WEIGHTS", 6 * 6 * 6 * 20)
    seen = []
    score = model.score
    monkeypatch.setattr(model, "score", lambda src, tgt, **more: seen.extend(src) or score(src, tgt, **more))
    choose_readout(model, ["z" * 200, *SOURCES * 9], ["z" * 200, *TARGETS * 9], ReadoutOptions())
    assert 3 < len(seen) < 54
    assert seen == (SOURCES * 9)[: len(seen)]
