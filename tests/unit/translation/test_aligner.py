"""The aligner: which layer and head it reads, and how it combines two directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from regard.alignment.head_selection import dictionary_criterion, gold_criterion, rank_candidates
from regard.alignment.readout import Readout
from regard.alignment.symmetrize import flipped, symmetrize
from regard.config.schema import Config
from regard.errors import ConfigError, DataError, ShapeError
from regard.inspection.record import AttentionRecord
from regard.model.build import build_model
from regard.store import StoredModel
from regard.text.links import GoldLinks
from regard.text.subword import Subword
from regard.translation.aligner import Aligner, ReadoutOptions, bidirectional, choose_readout
from regard.translation.chunks import AT_ONCE, chunks
from regard.translation.result import Translation
from regard.translation.translator import Translator

SOURCES = ["the cat sleeps", "the dog sleeps", "a cat runs", "a dog runs", "the cat runs", "a dog sleeps"]
TARGETS = ["le chat dort", "le chien dort", "un chat court", "un chien court", "le chat court", "un chien dort"]
GOLD = [GoldLinks(((0, 0), (1, 1), (2, 2)), ((0, 0), (1, 1), (2, 2)))] * 6
RNN: dict[str, object] = {"kind": "rnn", "decoder": "bahdanau", "embed_size": 12, "hidden_size": 16}
TRANSFORMER: dict[str, object] = {
    "kind": "transformer", "width": 16, "ff_size": 16, "heads": 2, "encoder_layers": 1, "decoder_layers": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def subword() -> Subword:
    return Subword.train((SOURCES + TARGETS) * 3, vocab_size=320)


def random_translator(subword: Subword, model: dict[str, object], seed: int = 1, **train: object) -> Translator:
    config = Config.model_validate({"model": model, "train": train})
    torch.manual_seed(seed)
    network = build_model(config.model, src_vocab=len(subword), tgt_vocab=len(subword), shared=True).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3.0)
    return Translator.of([StoredModel(network, config, subword, subword, None)])  # type: ignore[arg-type]


def matrix_of(readout: Readout) -> tuple[int | None, int | None, bool]:
    """Which matrix and rows a readout reads."""
    return readout.layer, readout.head, readout.shifted


def attention_of(translator: Translator, sources: Sequence[str], targets: Sequence[str]) -> list[AttentionRecord]:
    """Attention of sentence pairs, all of which have some."""
    records = [scored.attention for scored in translator.score(sources, targets)]
    assert None not in records
    return [record for record in records if record is not None]


def test_recurrent_models_have_one_matrix_and_nothing_to_select(subword: Subword) -> None:
    translator = random_translator(subword, RNN)
    options = ReadoutOptions("threshold")
    assert choose_readout(translator, SOURCES, TARGETS, options) == (Readout("threshold"), [])
    shifted, messages = choose_readout(translator, SOURCES, TARGETS, ReadoutOptions(shifted=True))
    assert (matrix_of(shifted), messages) == ((None, None, True), [])


def test_the_best_layer_and_head_of_a_transformer_are_selected_and_reported(subword: Subword) -> None:
    translator = random_translator(subword, TRANSFORMER)
    readout, [message] = choose_readout(translator, SOURCES, TARGETS, ReadoutOptions())
    records = attention_of(translator, SOURCES, TARGETS)
    best, second, third, *_ = rank_candidates(records, dictionary_criterion(records))
    assert readout == best.readout
    assert message == (
        f"reading {best} (nats per target word that its links predict, 6 sentence pairs); next best: {second}; {third}"
    )
    unshifted, _ = choose_readout(translator, SOURCES, TARGETS, ReadoutOptions(shifted=False))
    assert not unshifted.shifted
    by_gold, [message] = choose_readout(translator, SOURCES, TARGETS, ReadoutOptions(), gold=GOLD)
    assert "1 - AER on gold links" in message
    assert by_gold == rank_candidates(records, gold_criterion(GOLD))[0].readout
    assert by_gold.layer is None or by_gold.layer < 3


def test_the_users_choice_comes_first(subword: Subword) -> None:
    translator = random_translator(subword, TRANSFORMER, guided_weight=0.5)
    readout, messages = choose_readout(translator, SOURCES, TARGETS, ReadoutOptions(layer=2, head=1), gold=GOLD)
    assert (matrix_of(readout), messages) == ((2, 1, False), [])


def test_a_chosen_layer_leaves_its_heads_to_select(subword: Subword) -> None:
    translator = random_translator(subword, TRANSFORMER)
    records = attention_of(translator, SOURCES, TARGETS)
    candidates = rank_candidates(records, dictionary_criterion(records))
    best = next(candidate for candidate in candidates if candidate.readout.layer == 2)
    readout, [message] = choose_readout(translator, SOURCES, TARGETS, ReadoutOptions(layer=2))
    assert readout == best.readout
    assert message.startswith(f"reading {best}")
    assert choose_readout(translator, SOURCES, TARGETS, ReadoutOptions(head=1))[0].head == 1
    missing, _ = choose_readout(translator, SOURCES, TARGETS, ReadoutOptions(layer=9))
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
def test_models_with_a_guided_head_are_read_by_it(subword: Subword, train: dict[str, Any], expected: Readout) -> None:
    translator = random_translator(subword, TRANSFORMER, guided_weight=0.5, **train)
    assert translator.readout_is_known
    assert choose_readout(translator, SOURCES, TARGETS, ReadoutOptions()) == (expected, [])
    [scored] = translator.score(SOURCES[0], TARGETS[0])
    assert scored.attention is not None
    assert scored.alignment == expected.links(scored.attention)
    same_matrix = ReadoutOptions(layer=expected.layer, head=expected.head)
    assert choose_readout(translator, SOURCES, TARGETS, same_matrix) == (expected, [])
    other, _ = choose_readout(translator, SOURCES, TARGETS, ReadoutOptions(shifted=not expected.shifted))
    assert other == replace(expected, shifted=not expected.shifted)


@pytest.mark.parametrize("gold", [None, GOLD], ids=["dictionary", "gold"])
def test_a_known_readout_is_selected_again_only_on_request(subword: Subword, gold: list[GoldLinks] | None) -> None:
    translator = random_translator(subword, TRANSFORMER, guided_weight=0.5)
    records = attention_of(translator, SOURCES, TARGETS)
    criterion = dictionary_criterion(records) if gold is None else gold_criterion(gold)
    best = rank_candidates(records, criterion, translator.readout)[0]
    assert best.readout != translator.readout
    tuned, [message] = choose_readout(translator, SOURCES, TARGETS, ReadoutOptions(), gold=gold, tune=True)
    assert tuned == best.readout
    assert message.startswith(f"reading {best}")
    untuned, messages = choose_readout(translator, SOURCES, TARGETS, ReadoutOptions(), gold=gold)
    assert (untuned, len(messages)) == ((translator.readout, 0) if gold is None else (tuned, 1))


@pytest.mark.parametrize("gold", [None, GOLD], ids=["dictionary", "gold"])
def test_the_user_may_choose_the_matrix_when_tuning(subword: Subword, gold: list[GoldLinks] | None) -> None:
    translator = random_translator(subword, TRANSFORMER)
    options = ReadoutOptions(layer=1, head=0, shifted=True)
    assert choose_readout(translator, SOURCES, TARGETS, options, gold=gold, tune=True) == (
        Readout(layer=1, head=0, shifted=True),
        [],
    )


def test_settings_become_options() -> None:
    settings = ["rule=threshold", " threshold = 0.25", "end=1", "layer=2", "head=0", "shift=true"]
    assert ReadoutOptions.parse(settings) == ReadoutOptions("threshold", 0.25, 1.0, 2, 0, shifted=True)
    assert ReadoutOptions.parse(["shift=false"]) == ReadoutOptions(shifted=False)
    assert ReadoutOptions.parse([]) == ReadoutOptions()


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("rule=argmax", "rule to be hmm, shares, strongest or threshold, got 'argmax'"),
        ("threshold=nan", "threshold to be a number from 0 to 1, got 'nan'"),
        ("threshold=1.1", "a number from 0 to 1, got '1.1'"),
        ("end=-0.1", "end to be a number from 0 to 1, got '-0.1'"),
        ("end=", "end to be a number from 0 to 1, got ''"),
        ("layer=-1", "layer to be the number of a layer, from 0, got '-1'"),
        ("layer=²", "the number of a layer, from 0, got '²'"),
        ("head=1.0", "head to be the number of a head, from 0, got '1.0'"),
        ("shift=yes", "shift to be true or false, got 'yes'"),
        ("layer", "layer to be the number of a layer, from 0, got ''"),
        ("shifted=true", "expected one of rule=..., threshold=..., end=..., layer=..., head=..., shift=..."),
        ("", "expected one of rule=..., threshold=..."),
    ],
)
def test_wrong_settings_are_refused(setting: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ReadoutOptions.parse(["rule=shares", setting])
    assert str(caught.value).startswith(f"--readout {setting}: expected ")
    assert expected in str(caught.value)


def test_chosen_rules_replace_the_models_own() -> None:
    own = Readout("threshold", 1, 0, shifted=True, threshold=0.4)
    assert ReadoutOptions().over(own) == own
    assert ReadoutOptions(threshold=0.2, end=0.3).over(own) == replace(own, threshold=0.2, end=0.3)
    assert ReadoutOptions("threshold").over(own) == own
    # The threshold of 0.4 belongs to the other rule.
    assert ReadoutOptions("shares").over(own) == Readout("shares", 1, 0, shifted=True)
    strict = replace(own, end=0.2)
    assert ReadoutOptions().over(strict) == ReadoutOptions("threshold").over(strict) == strict
    assert ReadoutOptions("shares", end=0.7).over(strict) == Readout("shares", 1, 0, shifted=True, end=0.7)
    assert ReadoutOptions("strongest", 0.7).over(Readout()) == Readout("strongest", threshold=0.7)


def test_too_few_pairs_to_select_on(subword: Subword) -> None:
    translator = random_translator(subword, TRANSFORMER)
    readout, [message] = choose_readout(translator, ["the cat"], ["le chat"], ReadoutOptions())
    assert matrix_of(readout) == (None, None, False)
    assert "too few sentence pairs" in message


def test_links_of_two_directions_are_combined(subword: Subword) -> None:
    forward, backward = (Aligner(random_translator(subword, RNN, seed=seed), Readout()) for seed in (1, 2))
    pairs = list(zip(forward.links(SOURCES, TARGETS), backward.links(TARGETS, SOURCES), strict=True))
    for method in ("union", "grow-diag"):
        found = bidirectional(forward, backward, method).links(SOURCES, TARGETS)
        assert found == [symmetrize(src_tgt, flipped(tgt_src), method) for src_tgt, tgt_src in pairs]


def test_pairs_that_are_too_long_give_a_warning(subword: Subword) -> None:
    warnings: list[str] = []
    translator = random_translator(subword, {**TRANSFORMER, "position": "learned", "max_positions": 8})
    aligner = Aligner(translator, Readout(), warn=warnings.append)
    links = aligner.links(["the cat", "the cat " * 9], ["le chat"] * 2, first=41)
    assert links[0]
    assert links[1] == ()
    [warning] = warnings
    assert warning.startswith("sentence 42: not read")


def test_pairs_with_an_empty_side_have_no_links(subword: Subword) -> None:
    assert Aligner(random_translator(subword, RNN), Readout()).links(["", "the cat"], ["le", ""]) == [(), ()]


def test_models_without_attention_are_refused(subword: Subword) -> None:
    plain = random_translator(subword, {**RNN, "decoder": "plain"})
    with pytest.raises(DataError, match="no attention to read"):
        Aligner(plain, Readout()).links(SOURCES, TARGETS)


def test_gold_links_of_another_number_of_pairs_are_refused(subword: Subword) -> None:
    with pytest.raises(DataError, match="gold links of 6 sentence pairs, got gold links of 2"):
        choose_readout(random_translator(subword, RNN), SOURCES, TARGETS, ReadoutOptions(), gold=GOLD[:2])


@pytest.mark.parametrize("model", [RNN, TRANSFORMER], ids=["rnn", "transformer"])
def test_a_single_matrix_is_the_same_as_among_all(subword: Subword, model: dict[str, object]) -> None:
    translator = random_translator(subword, model)
    sources, targets = [*SOURCES, "x" * 90], [*TARGETS, "le chat dort " * 9]
    full = attention_of(translator, sources, targets)
    for layer in (None, *range(len(full[0].layers))):
        for head in (None, *range(len(full[0].layers[0]))):
            readout = Readout(layer=layer, head=head, shifted=True)
            scored = translator.score([*sources, ""], [*targets, "x"], only=readout)
            assert scored.pop().attention is None  # of the pair with an empty side
            for of_all, pair in zip(full, scored, strict=True):
                assert pair.attention is not None
                assert torch.equal(pair.attention.matrix(), of_all.matrix(layer, head))
                assert pair.attention.layers[0].shape[0] == len(pair.attention.layers) == 1
            links = Aligner(translator, readout).links([*sources, ""], [*targets, "x"])
            assert links == [*(readout.links(of_all) for of_all in full), ()]
    assert translator.score("", "x")[0].attention is None
    with pytest.raises(ShapeError, match="no layer 7"):
        Aligner(translator, Readout(layer=7)).links(SOURCES, TARGETS)
    with pytest.raises(ShapeError, match="no head 7"):
        Aligner(translator, Readout(head=7)).links(SOURCES, TARGETS)


def test_chunks_are_limited_by_the_number_of_pairs_and_by_their_length() -> None:
    by_number = chunks(["a" * 300] * 1100, ["b" * 300] * 1100)
    assert [chunk.stop - chunk.start for chunk in by_number] == [512, 512, 76]
    sizes = [10, 10, 9000, 9000, 10, 7000, 10]
    by_length = chunks(["é" * (size // 2) for size in sizes], ["b" * size for size in sizes])
    assert [(chunk.start, chunk.stop) for chunk in by_length] == [(0, 2), (2, 3), (3, 4), (4, 7)]
    assert list(chunks([], [])) == []
    assert list(chunks(["\ud800"], ["x"])) == [slice(0, 1)]


def test_a_part_that_begins_at_a_multiple_is_divided_as_in_the_whole_text() -> None:
    sizes = [10] * 300 + [9000] + [10] * 900
    texts = ["a" * size for size in sizes]
    whole = [(chunk.start, chunk.stop) for chunk in chunks(texts, texts)]
    assert whole == [(0, 300), (300, 301), (301, 512), (512, 1024), (1024, 1201)]
    parts = [(start, texts[start : start + AT_ONCE]) for start in range(0, len(texts), AT_ONCE)]
    assert whole == [(start + c.start, start + c.stop) for start, part in parts for c in chunks(part, part)]


def test_links_do_not_depend_on_chunks(subword: Subword, monkeypatch: pytest.MonkeyPatch) -> None:
    aligner = Aligner(random_translator(subword, TRANSFORMER), Readout())
    expected = aligner.links(SOURCES, TARGETS)
    monkeypatch.setattr("regard.translation.chunks.AREA", 1)
    assert aligner.links(SOURCES, TARGETS) == expected


def test_pairs_whose_attention_is_too_large_are_named(subword: Subword, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr("regard.search.length_limits.MAX_ATTENTION_WEIGHTS", 500)
    aligner = Aligner(random_translator(subword, TRANSFORMER), Readout(layer=0), warn=warnings.append)
    assert aligner.links(["the cat", "x" * 100], ["le chat", "y" * 100], first=3)[1] == ()
    [warning] = warnings
    assert warning.startswith("sentence 4: not read: its attention, 1 x 1")
    assert warning.endswith("0.0 are allowed: divide it into sentences")


def test_selection_uses_as_many_pairs_as_fit(subword: Subword, monkeypatch: pytest.MonkeyPatch) -> None:
    translator = random_translator(subword, TRANSFORMER)
    monkeypatch.setattr("regard.translation.aligner.MAX_WEIGHTS", 6 * 6 * 6 * 20)
    scored: list[str] = []
    score = translator.score

    def recorded(sources: Sequence[str], targets: Sequence[str]) -> list[Translation]:
        scored.extend(sources)
        return score(sources, targets)

    monkeypatch.setattr(translator, "score", recorded)
    choose_readout(translator, ["z" * 200, *SOURCES * 9], ["z" * 200, *TARGETS * 9], ReadoutOptions())
    assert 3 < len(scored) < 54
    assert scored == (SOURCES * 9)[: len(scored)]
