"""Learning a vocabulary: reproducible, silent, and possible for every text."""

from __future__ import annotations

import subprocess
import sys

import pytest

from regard.errors import DataError
from regard.text import vocabulary
from regard.text.normalize import normalize
from regard.text.subword import Subword
from regard.text.vocabulary import Kind

TEXT = [f"sentence {n * n} says that word {n} is not the number {n * 7}" for n in range(300)]
KINDS = pytest.mark.parametrize("kind", ["unigram", "bpe"])


@KINDS
def test_the_same_text_gives_the_same_bytes(kind: Kind) -> None:
    first = Subword.train(TEXT, vocab_size=400, kind=kind)
    assert len(first) == 400
    assert first.note is None
    assert Subword.train(iter(TEXT), vocab_size=400, kind=kind).to_bytes() == first.to_bytes()
    assert Subword.train(TEXT[:-50], vocab_size=400, kind=kind).to_bytes() != first.to_bytes()
    code = (
        "from regard.text.subword import Subword\n"
        f"print(Subword.train({TEXT!r}, vocab_size=400, kind={kind!r}).fingerprint())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == first.fingerprint()  # in another process, too
    assert done.stderr == ""


@KINDS
def test_kinds_differ(kind: Kind) -> None:
    pieces = {other: Subword.train(TEXT, vocab_size=400, kind=other).to_bytes() for other in ("unigram", "bpe")}
    assert pieces["unigram"] != pieces["bpe"]
    assert Subword.train(TEXT, vocab_size=400, kind=kind).to_bytes() == pieces[kind]


@KINDS
@pytest.mark.parametrize(
    "text",
    [
        ["a"],
        ["the cat", "a cat"],
        ["a" * 5000] * 3,
        ["x▁y ▁▁"] * 9,
        ["▅ <s> </s> <pad> <unk> <0x41>"] * 30,
        ["a\tb", "c\0d"],
        ["😀"],
        [" ", "", "é"],
    ],
    ids=lambda text: repr(text[0][:12]),
)
def test_a_small_or_strange_text_gets_a_small_vocabulary(
    capfd: pytest.CaptureFixture[str], kind: Kind, text: list[str]
) -> None:
    subword = Subword.train(text, vocab_size=5000, kind=kind)
    assert 261 <= len(subword) < 5000
    assert subword.note == f"the text yields only {len(subword)} subwords, not 5000"
    for line in text:
        assert subword.decode(subword.encode(normalize(line)).ids).text == normalize(line)
    assert capfd.readouterr() == ("", "")


@KINDS
def test_more_characters_than_room_fall_back_to_bytes(capfd: pytest.CaptureFixture[str], kind: Kind) -> None:
    text = [chr(0x4E00 + n) * (1 + n % 7) + "的的的" for n in range(1500)]
    subword = Subword.train(text, vocab_size=400, kind=kind)
    assert len(subword) <= 400
    assert subword.encode("的").pieces[-1].endswith("的")
    assert subword.decode(subword.encode(text[1]).ids).text == text[1]
    assert capfd.readouterr().err == ""


@KINDS
def test_frequent_words_are_whole_even_if_a_space_always_follows(kind: Kind) -> None:
    text = [f"never {a} and {b} ?" for a in "abcdefgh" for b in "mnopqrst"]
    subword = Subword.train(text, vocab_size=350, kind=kind)
    assert subword.encode("never a and t ?").pieces == ("▁never", "▁a", "▁and", "▁t", "▁?")


def test_rare_characters_get_no_subword_of_their_own() -> None:
    text = ["ordinary words in ordinary lines"] * 2000 + ["q 4 times"] * 4 + ["z 6 times"] * 6
    subword = Subword.train(text, vocab_size=400)
    assert "<0x71>" in subword.encode("q").pieces
    assert "<0x7A>" not in subword.encode("z").pieces
    assert "<0x71>" not in Subword.train(text[-10:], vocab_size=400).encode("q").pieces


def test_long_lines_are_used() -> None:
    subword = Subword.train(["the beginning " * 1000 + "extraordinary " * 500], vocab_size=320, kind="bpe")
    assert "▁extraordinary" in subword.encode("extraordinary").pieces


def test_very_large_texts_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Subword.train(TEXT, vocab_size=350).to_bytes()
    monkeypatch.setattr(vocabulary, "MAX_LINES", 100)
    first, same, other = (Subword.train(TEXT, vocab_size=350, seed=seed).to_bytes() for seed in (1, 1, 2))
    assert first == same
    assert len({whole, first, other}) == 3


@pytest.mark.parametrize("text", [[], [""], [" ", "\t"], ["▅"]])
def test_without_text_there_is_no_vocabulary(text: list[str]) -> None:
    with pytest.raises(DataError, match="no text to learn a subword vocabulary from"):
        Subword.train(text, vocab_size=400)


def test_a_vocabulary_size_that_is_too_small_is_refused() -> None:
    with pytest.raises(DataError, match=r"subword.vocab_size: expected at least 300 \(260 are .*, got 299: raise it"):
        Subword.train(TEXT, vocab_size=299)
    assert len(Subword.train(TEXT, vocab_size=300)) == 300


def test_errors_of_sentencepiece_become_data_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "_training_parts", lambda lines, rare: iter(()))
    with pytest.raises(DataError, match="cannot learn a vocabulary of 400 subwords from this text"):
        Subword.train(TEXT, vocab_size=400)
