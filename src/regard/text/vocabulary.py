"""Learning a vocabulary of subwords with SentencePiece, for every text, however small or strange."""

from __future__ import annotations

import io
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import sentencepiece

from regard.errors import DataError
from regard.text.surface import escape_text

Kind = Literal["unigram", "bpe"]

NUM_RESERVED_IDS = 4 + 256
"""Ids that are no text of their own: the specials and the bytes."""
MIN_VOCAB_SIZE = 300
"""The smallest vocabulary that leaves room for some characters and subwords."""
MAX_LINES = 2_000_000
"""A larger text is sampled: more lines hardly change a vocabulary, and take long."""
_MAX_CHARACTERS = 4096
# Longer lines are cut into parts of this size; SentencePiece would leave them out.
_LONGEST_PIECE = 16
# SentencePiece's own limit, the space before a word among them.
_RESERVED = frozenset("\0\t\u2585")
# SentencePiece keeps these for itself, and leaves out sentences that have one.


def learn_vocabulary(sentences: Iterable[str], *, vocab_size: int, kind: Kind, seed: int) -> bytes:
    """Learns a vocabulary; the same arguments give the same bytes.

    Every character of the text gets a subword of its own, except rare ones (fewer than 5 occurrences; fewer in
    texts of less than 40,000 characters) and those for which the vocabulary is too small: bytes spell these.

    Args:
        sentences: Normalized text.
        vocab_size: Subwords wanted, specials and bytes among them; a small text may have room for fewer.
        kind: `unigram` (Kudo 2018) or `bpe` (Sennrich et al. 2016).
        seed: Decides which lines are used of a text of more than `MAX_LINES`.

    Returns:
        A serialized SentencePiece model.

    Raises:
        DataError: When there is no text, or the vocabulary is too small to hold anything.
    """
    if vocab_size < MIN_VOCAB_SIZE:
        raise DataError(
            f"subword.vocab_size: expected at least {MIN_VOCAB_SIZE} ({NUM_RESERVED_IDS} are bytes and specials), got "
            f"{vocab_size}: raise it, or leave it out to have it derived"
        )
    lines = _sample([escape_text(line) for line in sentences if line.strip()], seed)
    rare = _rare_characters(lines, room=(vocab_size - NUM_RESERVED_IDS) * 6 // 10)
    parts = list(_parts(lines, rare))
    if kind == "unigram":
        parts += _words_twice(parts)
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(parts),
            model_writer=model,
            vocab_size=vocab_size,
            hard_vocab_limit=False,  # a small text gives a smaller vocabulary instead of an error
            model_type=kind,
            character_coverage=1.0,  # what should not be covered is gone already
            byte_fallback=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,  # or pieces could not be found again in a text with double spaces
            max_sentence_length=4 * _MAX_CHARACTERS + 8,  # in bytes
            input_sentence_size=0,
            shuffle_input_sentence=False,
            num_threads=1,  # more threads add in another order: other bytes
            unk_id=0,
            pad_id=1,
            bos_id=2,
            eos_id=3,
            minloglevel=3,
        )
    except RuntimeError as error:
        raise DataError(f"no vocabulary of {vocab_size} subwords could be learned from this text: {error}") from None
    return model.getvalue()


def _sample(lines: list[str], seed: int) -> list[str]:
    if len(lines) <= MAX_LINES:
        return lines
    chosen = random.Random(seed).sample(range(len(lines)), MAX_LINES)
    return [lines[i] for i in sorted(chosen)]


def _rare_characters(lines: Sequence[str], *, room: int) -> frozenset[str]:
    """Characters that get no subword of their own."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line)
    del counts[" "]
    least = min(5, 1 + counts.total() // 10_000)
    often = [character for character, count in counts.items() if count >= least and character not in _RESERVED]
    often.sort(key=lambda character: (-counts[character], character))
    if not often:
        raise DataError("no text to learn a subword vocabulary from: the corpus is empty")
    return frozenset(counts) - frozenset(often[:room])


def _parts(lines: Sequence[str], rare: frozenset[str]) -> Iterator[str]:
    """What SentencePiece gets to see: nothing too long, and spaces in place of rare characters."""
    blank = re.compile("[" + "".join(map(re.escape, sorted(rare))) + "]") if rare else None
    for line in lines:
        for start in range(0, len(line), _MAX_CHARACTERS):
            part = line[start : start + _MAX_CHARACTERS]
            part = " ".join((blank.sub(" ", part) if blank else part).split())
            if part:
                yield part


def _words_twice(parts: Sequence[str]) -> list[str]:
    """Lines such as `and and` that make SentencePiece consider every word of 3 occurrences or more.

    Its candidates are strings that are followed by different characters (internal nodes of a suffix tree). A word
    that always has a space after it, or always ends its line, is none, however frequent. Here it does both.
    """
    counts = Counter(word for part in parts for word in part.split(" "))
    words = sorted(word for word, count in counts.items() if count >= 3 and len(word) < _LONGEST_PIECE)
    return [f"{word} {word}" for word in words]
