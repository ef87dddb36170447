"""Quality flags: raised for bad translations, and not for good ones."""

from __future__ import annotations

import pytest
import torch

from regard.inspection.record import AttentionRecord
from regard.translation.quality import QualityFlag, most_repeated, quality_flags
from regard.values import Encoding


def words(text: str) -> Encoding:
    """An encoding with one subword per word."""
    pieces = text.split()
    starts = [sum(len(piece) + 1 for piece in pieces[:number]) for number in range(len(pieces))]
    spans = tuple((start, start + len(piece)) for start, piece in zip(starts, pieces, strict=True))
    return Encoding(text, tuple(map(hash, pieces)), tuple(f"▁{piece}" for piece in pieces), spans)


def letters(text: str) -> Encoding:
    """An encoding of a single word with one subword per letter."""
    pieces = ("▁" + text[0], *text[1:])
    return Encoding(text, tuple(map(hash, pieces)), pieces, tuple((n, n + 1) for n in range(len(text))))


def record(src: str, tgt: str, weights: torch.Tensor) -> AttentionRecord:
    return AttentionRecord(words(src), words(tgt), (weights[None],))


@pytest.mark.parametrize(
    ("src", "tgt", "expected"),
    [
        ("a green salad", "une salade salade salade verte", (3, (1, 4))),
        ("go on now", "on et on et on et non", (3, (0, 6))),
        ("a green salad", "une salade salade verte", None),
        ("very very very good", "très très très bon", None),  # so does the source
        ("very very good", "très très très très bon", (4, (0, 4))),
        ("one two three", "! ! ! ! !", None),
        ("one two", "1 1 1 1", None),
    ],
)
def test_repetition(src: str, tgt: str, expected: tuple[int, tuple[int, int]] | None) -> None:
    found = quality_flags(words(src), words(tgt))
    assert found == (() if expected is None else (QualityFlag("repetition", *expected),))


def kinds(flags: tuple[QualityFlag, ...]) -> list[str]:
    return [flag.kind for flag in flags]


def test_letters_within_a_word_may_repeat_more_often() -> None:
    assert quality_flags(letters("hm hmx"), letters("hmmmmm")) == ()
    assert kinds(quality_flags(letters("hm hmx"), letters("hmmmmmm"))) == ["repetition"]


def test_most_repeated() -> None:
    assert most_repeated([]) == (0, 0, 0)
    assert most_repeated("abc") == (1, 0, 1)
    assert most_repeated("abcabcabcab") == (3, 0, 9)
    assert most_repeated("xaaabab") == (3, 1, 4)


@pytest.mark.parametrize(
    ("num_src", "num_tgt", "flagged"), [(20, 3, True), (20, 4, False), (2, 16, False), (2, 17, True), (1, 1, False)]
)
def test_length(num_src: int, num_tgt: int, flagged: bool) -> None:
    src, tgt = (words(" ".join(f"{side}{n}" for n in range(count))) for side, count in (("s", num_src), ("t", num_tgt)))
    assert kinds(quality_flags(src, tgt)) == ["length"] * flagged


def test_undertranslation() -> None:
    weights = torch.zeros(4, 7)  # </s> on either side
    weights[0, 0] = weights[1, 1] = weights[2, 5] = 1
    weights[3, 2:5] = 1 / 3  # attention of </s> does not count
    [flag] = quality_flags(words("a b c d e f"), words("u v w"), record=record("a b c d e f", "u v w", weights))
    assert flag == QualityFlag("coverage", 0.5, (2, 5))
    assert flag.message == "undertranslation: no attention on words 3 to 5 of the source, which may be left out"
    weights[1] = torch.tensor([0, 0.7, 0.3, 0, 0, 0, 0])
    assert quality_flags(words("a b c d e f"), words("u v w"), record=record("a b c d e f", "u v w", weights)) == ()


def test_uniform_attention() -> None:
    weights = torch.full((4, 7), 1 / 7)
    found = quality_flags(words("a b c d e f"), words("u v w"), record=record("a b c d e f", "u v w", weights))
    assert kinds(found) == ["entropy"]
    assert found[0].value == pytest.approx(0.0, abs=1e-6)
    short = torch.full((4, 4), 1 / 4)
    assert quality_flags(words("a b c"), words("u v w"), record=record("a b c", "u v w", short)) == ()


def test_messages_json_and_moving() -> None:
    [flag] = quality_flags(words("a b"), words("u v"), finished=False)
    assert flag.message == "unfinished: the translation reached its length limit before its end"
    assert flag.to_dict() == {"kind": "unfinished", "value": 2, "where": None}
    assert flag.moved(src=3, tgt=5) == flag
    assert QualityFlag("coverage", 0.5, (1, 3)).moved(src=3, tgt=5).where == (4, 6)
    assert QualityFlag("repetition", 3, (1, 3)).moved(src=3, tgt=5).to_dict()["where"] == [6, 8]
    messages = {
        QualityFlag("length", 2.5): "length: the translation is 2.50 times as long as the source",
        QualityFlag("repetition", 3, (1, 3)): ("repetition: words 2 to 3 of the translation repeat a phrase 3 times"),
        QualityFlag("entropy", 0.123): "entropy: the attention is spread over the whole source (sharpness 0.12)",
    }
    assert {flag: flag.message for flag in messages} == messages
