"""Attention records: validation, and merging subwords to words."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable

import pytest
import torch
from records import MakeRecord

from regard.errors import DataError, ShapeError
from regard.inspection.record import AttentionRecord
from regard.values import Encoding

PLAIN = Encoding("ab c", (4, 5, 6), ("▁a", "b", "▁c"), ((0, 1), (1, 2), (3, 4)))


def encoding_of(word_of: list[int | None], generator: random.Random) -> Encoding:
    """Creates an encoding whose pieces belong to the given words in order; None = a piece without characters."""
    words = {word: "" for word in word_of if word is not None}
    inside = []
    for word in word_of:
        piece = "" if word is None else "x" * generator.randint(1, 3)
        inside.append((word, len(words.get(word, "")) if word is not None else 0, len(piece)))
        if word is not None:
            words[word] += piece
    starts, place = {}, 0
    for word, text in words.items():
        starts[word], place = place, place + len(text) + 1
    text = " ".join(words.values())
    nowhere = (len(text), len(text))
    spans = tuple(nowhere if w is None else (starts[w] + at, starts[w] + at + size) for w, at, size in inside)
    pieces = tuple(f"p{number}" for number in range(len(spans)))
    return Encoding(text, tuple(range(len(spans))), pieces, spans)


def merged_by_loops(
    weights: list[list[float]], src_words: list[int | None], tgt_words: list[int | None]
) -> list[list[float]]:
    """The word matrix by its definition, one weight at a time."""
    num_src = 1 + max((word for word in src_words if word is not None), default=-1)
    num_tgt = 1 + max((word for word in tgt_words if word is not None), default=-1)
    merged = [[0.0] * (num_src + 1) for _ in range(num_tgt)]
    for tgt in range(num_tgt):
        rows = [t for t, word in enumerate(tgt_words) if word == tgt]
        for src in range(num_src + 1):
            sums = []
            for t in rows:
                sums.append(0.0)
                for s, word in enumerate([*src_words, None]):
                    if word == src or (word is None and src == num_src):
                        sums[-1] += weights[t][s]
            merged[tgt][src] = max(sums, default=0.0)
    return merged


@pytest.mark.parametrize("seed", range(40))
def test_words_are_merged_as_defined(seed: int) -> None:
    generator = random.Random(seed)

    def words() -> list[int | None]:
        counts = [generator.randint(1, 4) for _ in range(generator.randint(1, 6))]
        pieces: list[int | None] = [word for word, count in enumerate(counts) for _ in range(count)]
        for _ in range(generator.randint(0, 2)):
            pieces.insert(generator.randint(0, len(pieces)), None)
        return pieces

    src_words, tgt_words = words(), words()
    torch.manual_seed(seed)
    weights = torch.softmax(torch.randn(2, len(tgt_words) + seed % 2, len(src_words) + 1), dim=-1)
    record = AttentionRecord(encoding_of(src_words, generator), encoding_of(tgt_words, generator), (weights,))
    expected = merged_by_loops(weights.mean(dim=0).tolist(), src_words, tgt_words)
    torch.testing.assert_close(record.words(), torch.tensor(expected))
    # Each subword's weights sum to 1, and a maximum over subwords is not less.
    assert record.words().sum(dim=1).min() > 1 - 1e-5
    once = [word for word in range(len(expected)) if tgt_words.count(word) == 1]
    torch.testing.assert_close(record.words().sum(dim=1)[once], torch.ones(len(once)))


def test_the_day(day: AttentionRecord) -> None:
    assert day.src_words == ("How", "was", "your", "day?")
    assert day.tgt_words == ("Comment", "s'est", "ta", "journée", "?")
    assert day.src_labels == ("▁How", "▁was", "▁your", "▁day", "?", "</s>")
    assert day.tgt_labels[-2:] == ("▁?", "</s>")
    assert day.layer_names == ("attention",)
    torch.testing.assert_close(day.words()[3], torch.tensor([0, 0, 0.1, 0.9, 0.1]))
    torch.testing.assert_close(day.words()[4], torch.tensor([0, 0, 0, 0.2, 0.8]))


def test_a_word_without_subwords_has_a_row_of_zeros() -> None:
    src = Encoding("a", (4,), ("▁a",), ((0, 1),))
    tgt = Encoding("b c", (4,), ("▁b",), ((0, 1),))
    record = AttentionRecord(src, tgt, (torch.tensor([[[0.5, 0.5], [0.5, 0.5]]]),))
    assert record.words().tolist() == [[0.5, 0.5], [0.0, 0.0]]


def test_layers_and_heads(make_record: MakeRecord) -> None:
    record = make_record("a b", "c d|e", layers=3, heads=2)
    stacked = torch.stack(record.layers)
    torch.testing.assert_close(record.matrix(), stacked.mean(dim=(0, 1)))
    torch.testing.assert_close(record.matrix(1), stacked[1].mean(dim=0))
    torch.testing.assert_close(record.matrix(head=1), stacked[:, 1].mean(dim=0))
    assert torch.equal(record.matrix(2, 1), stacked[2, 1])
    assert torch.equal(record.matrix(-1, -1), stacked[2, 1])
    assert record.layer_names == ("layer 1", "layer 2", "layer 3")


def test_layers_may_differ_in_their_heads() -> None:
    weights = (torch.full((1, 4, 4), 0.2), torch.full((3, 4, 4), 0.1))
    record = AttentionRecord(PLAIN, PLAIN, weights, ("rnn", "transformer"))
    torch.testing.assert_close(record.matrix(), torch.full((4, 4), 0.15))


@pytest.mark.parametrize(("layer", "head", "message"), [(3, None, "no layer 3"), (0, 2, "no head 2"), (-4, 0, "-4")])
def test_no_such_layer_or_head(make_record: MakeRecord, layer: int, head: int | None, message: str) -> None:
    record = make_record("a", "b", layers=3, heads=2)
    with pytest.raises(ShapeError, match=f"{message}.*expected 0 to"):
        record.matrix(layer, head)


def test_an_unfinished_sentence_has_no_end_row(make_record: MakeRecord) -> None:
    record = make_record("a b", "c d", finished=False)
    assert record.tgt_labels == ("▁c", "▁d")
    assert record.words().shape == (2, 3)


@pytest.mark.parametrize(
    ("shape", "names", "message"),
    [
        ((1, 4, 3), (), r"4 source columns.*got \(1, 4, 3\)"),
        ((1, 5, 4), (), r"4 target rows.*got \(1, 5, 4\)"),
        ((4, 4), (), r"got \(4, 4\)"),
        ((0, 4, 4), (), r"got \(0, 4, 4\)"),
        ((1, 4, 4), ("a", "b"), r"each of the 1 layers of attention weights, got 2"),
    ],
)
def test_shapes_that_do_not_fit(shape: tuple[int, ...], names: tuple[str, ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        AttentionRecord(PLAIN, PLAIN, (torch.ones(shape),), names)


def test_layers_of_different_lengths_and_none_at_all() -> None:
    with pytest.raises(ShapeError, match="same number of target rows in every layer"):
        AttentionRecord(PLAIN, PLAIN, (torch.ones(1, 4, 4), torch.ones(1, 3, 4)))
    with pytest.raises(ShapeError, match="without attention"):
        AttentionRecord(PLAIN, PLAIN, ())


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.25])
def test_invalid_weights_are_refused(value: float) -> None:
    weights = torch.ones(2, 4, 4)
    weights[1, 2, 3] = value
    with pytest.raises(DataError, match=f"got {value} at head 1, row 2, column 3"):
        AttentionRecord(PLAIN, PLAIN, (weights,))


def test_a_record_has_float32_weights_without_gradient() -> None:
    weights = torch.ones(1, 4, 4, dtype=torch.float64, requires_grad=True)
    layer = AttentionRecord(PLAIN, PLAIN, (weights,)).layers[0]
    assert layer.dtype == torch.float32
    assert not layer.requires_grad


def test_json_round_trip(korean: AttentionRecord) -> None:
    restored = AttentionRecord.from_dict(json.loads(json.dumps(korean.to_dict())))
    assert (restored.src, restored.tgt, restored.layer_names) == (korean.src, korean.tgt, korean.layer_names)
    for layer, original in zip(restored.layers, korean.layers, strict=True):
        torch.testing.assert_close(layer, original, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda data: data.pop("tgt"), DataError, "without the key 'tgt'"),
        (lambda data: data["src"].pop("spans"), DataError, "without the key 'spans'"),
        (
            lambda data: data["src"]["pieces"].pop(),
            DataError,
            r"equal numbers of ids, pieces and spans, got 3, 2 and 3",
        ),
        (lambda data: data["src"].update(spans=[[1, 2, 3]] * 3), DataError, "not an attention record"),
        (lambda data: data.update(layers=5), DataError, "not an attention record"),
        (lambda data: data["layers"][0].update(weights="x"), DataError, "not an attention record"),
        (lambda data: data["layers"][0]["weights"][0].pop(), ShapeError, "same number of target rows"),
        (lambda data: data["layers"][0]["weights"][0][0].pop(), DataError, "not an attention record"),
    ],
)
def test_invalid_json_is_refused(
    make_record: MakeRecord, change: Callable[[dict[str, object]], object], error: type[Exception], message: str
) -> None:
    data = make_record("a b|c", "d", layers=2).to_dict()
    change(data)
    with pytest.raises(error, match=message):
        AttentionRecord.from_dict(data)


def test_grids_have_weights_and_labels(day: AttentionRecord) -> None:
    words, subwords = day.grid(), day.grid(level="subword")
    assert (words.tgt_labels, words.src_labels) == (day.tgt_words, (*day.src_words, "</s>"))
    assert torch.equal(words.weights, day.words())
    assert torch.equal(subwords.weights, day.matrix())
    assert (subwords.tgt_labels, subwords.src_labels) == (day.tgt_labels, day.src_labels)
