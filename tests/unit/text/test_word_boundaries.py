"""Which subwords begin, continue and end words."""

from __future__ import annotations

from regard.text.subword import Subword
from regard.text.word_boundaries import WordBoundaries

SURFACES = [None, "▁", "▁cat", "s", "'", "▁l'", ",", "9", "\u0301", "我们", "▁我", "。", "ที่", 0xC3, "é", "가"]


def marked(properties: tuple[bool, ...]) -> list[str | int | None]:
    assert len(properties) == len(SURFACES)
    return [surface for surface, has in zip(SURFACES, properties, strict=True) if has]


def test_properties_of_subwords() -> None:
    boundaries = WordBoundaries.of(SURFACES)
    assert marked(boundaries.is_text) == SURFACES[1:]
    assert marked(boundaries.has_space) == ["▁", "▁cat", "▁l'", "▁我"]
    assert marked(boundaries.begins_word) == ["▁", "▁cat", "▁l'", "我们", "▁我", "。", "ที่"]
    assert marked(boundaries.continues_word) == ["s", "9", "\u0301", 0xC3, "é", "가"]
    assert marked(boundaries.ends_with_letter) == ["▁cat", "s", "9", "\u0301", "é", "가"]


def test_properties_of_a_vocabulary() -> None:
    subword = Subword.train(["the cat sleeps, and the cats run"] * 20, vocab_size=300)
    boundaries = subword.word_boundaries()
    assert boundaries is subword.word_boundaries()
    assert len(boundaries.is_text) == len(subword)
    specials = subword.specials
    assert [i for i in range(len(subword)) if not boundaries.is_text[i]] == [
        0,
        specials.pad,
        specials.bos,
        specials.eos,
    ]
    ids = subword.encode("the cats").ids
    assert boundaries.begins_word[ids[0]]
    assert boundaries.ends_with_letter[ids[-1]]
