"""Signs of failure: found where they are, and not where they are not."""

from __future__ import annotations

import pytest
import torch

from regard.inspection.record import AttentionRecord
from regard.translation.quality import QualityFlag, most_repeated, quality_flags
from regard.values import Encoding


def words(text: str) -> Encoding:
    """One subword a word."""
    pieces = text.split()
    starts = [sum(len(one) + 1 for one in pieces[:number]) for number in range(len(pieces))]
    spans = tuple((start, start + len(one)) for start, one in zip(starts, pieces, strict=True))
    return Encoding(text, tuple(map(hash, pieces)), tuple(f"▁{one}" for one in pieces), spans)


def letters(text: str) -> Encoding:
    """One subword a letter, of a single word."""
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


def test_letters_within_a_word_may_follow_themselves_more_often() -> None:
    assert quality_flags(letters("hm hmx"), letters("hmmmmm")) == ()
    assert [one.kind for one in quality_flags(letters("hm hmx"), letters("hmmmmmm"))] == ["repetition"]


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
    assert [one.kind for one in quality_flags(src, tgt)] == ["length"] * flagged


def test_what_nothing_looked_at() -> None:
    weights = torch.zeros(4, 7)  # </s> on either side
    weights[0, 0] = weights[1, 1] = weights[2, 5] = 1
    weights[3, 2:5] = 1 / 3  # the end of the translation may look where it likes
    [one] = quality_flags(words("a b c d e f"), words("u v w"), record=record("a b c d e f", "u v w", weights))
    assert one == QualityFlag("coverage", 0.5, (2, 5))
    assert one.message == "suspicious: nothing looked at words 3 to 5 of the source, which may be left out"
    weights[1] = torch.tensor([0, 0.7, 0.3, 0, 0, 0, 0])
    assert quality_flags(words("a b c d e f"), words("u v w"), record=record("a b c d e f", "u v w", weights)) == ()


def test_attention_without_a_point() -> None:
    weights = torch.full((4, 7), 1 / 7)
    found = quality_flags(words("a b c d e f"), words("u v w"), record=record("a b c d e f", "u v w", weights))
    assert [one.kind for one in found] == ["entropy"]
    assert found[0].value == pytest.approx(0.0, abs=1e-6)
    short = torch.full((4, 4), 1 / 4)
    assert quality_flags(words("a b c"), words("u v w"), record=record("a b c", "u v w", short)) == ()


def test_what_it_is_told_as() -> None:
    [one] = quality_flags(words("a b"), words("u v"), finished=False)
    assert one.message == "the translation reached its length limit before its end"
    assert one.to_dict() == {"kind": "unfinished", "value": 2, "where": None}
    assert one.moved(src=3, tgt=5) == one
    assert QualityFlag("coverage", 0.5, (1, 3)).moved(src=3, tgt=5).where == (4, 6)
    assert QualityFlag("repetition", 3, (1, 3)).moved(src=3, tgt=5).to_dict()["where"] == [6, 8]
    assert "2.50 times as long" in QualityFlag("length", 2.5).message
    assert "words 2 to 3 of the translation say the same 3 times" in QualityFlag("repetition", 3, (1, 3)).message
