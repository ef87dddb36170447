"""Learns subword vocabularies with SentencePiece from any text, however small or unusual."""

from __future__ import annotations

import io
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import sentencepiece

from regard.errors import DataError
from regard.text.tokenizers import SPACE, escape_text

Kind = Literal["unigram", "bpe"]

NUM_RESERVED_IDS = 4 + 256
"""Number of ids for special tokens and bytes."""
MIN_VOCAB_SIZE = 300
"""The smallest vocabulary that leaves room for some characters and subwords."""
MAX_LINES = 2_000_000
"""Larger texts are sampled: more lines hardly change a vocabulary but take long."""
# Longer lines are split into parts of this size; SentencePiece would skip them.
_MAX_CHARACTERS = 4096
# Limit of SentencePiece, including the space before a word.
_MAX_PIECE_LENGTH = 16
# SentencePiece reserves these and skips sentences that contain one.
_RESERVED = frozenset("\0\t\u2585")


def learn_vocabulary(
    sentences: Iterable[str], *, vocab_size: int, kind: Kind, seed: int, tags: Sequence[str] = ()
) -> bytes:
    """Learns a subword vocabulary from text; equal arguments give equal results, byte for byte.

    Every character of the text becomes a subword, except rare characters (fewer than 5 occurrences; fewer in texts of
    less than 40,000 characters) and those for which `vocab_size` leaves no room. These two kinds are spelled in bytes.

    Args:
        sentences: Normalized sentences.
        vocab_size: Number of subwords to learn, including special tokens and bytes; a small text may yield fewer.
        kind: Algorithm: `unigram` (Kudo 2018) or `bpe` (Sennrich et al. 2016).
        seed: Seed of the random sample: of more than `MAX_LINES` lines, only `MAX_LINES` random lines are used.
        tags: Words that become one subword each and are never split, such as `<web>`; see `regard.text.tags`.

    Returns:
        The vocabulary as a serialized SentencePiece model.

    Raises:
        DataError: There is no text, or `vocab_size` is too small.
    """
    if vocab_size < MIN_VOCAB_SIZE:
        raise DataError(
            f"subword.vocab_size: expected at least {MIN_VOCAB_SIZE} ({NUM_RESERVED_IDS} are bytes and special "
            f"tokens), got {vocab_size}: raise it, or leave it out to derive it from the size of the corpus"
        )
    lines = _sample_lines([escape_text(line) for line in sentences if line.strip()], seed)
    rare = _rare_characters(lines, room=(vocab_size - NUM_RESERVED_IDS - len(tags)) * 6 // 10)
    parts = list(_training_parts(lines, rare))
    if kind == "unigram":
        parts += _doubled_words(parts)
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(parts),
            model_writer=model,
            vocab_size=vocab_size,
            hard_vocab_limit=False,  # a small text yields a smaller vocabulary instead of an error
            model_type=kind,
            character_coverage=1.0,  # rare characters are removed already
            byte_fallback=True,
            user_defined_symbols=[SPACE + tag for tag in tags],  # each is a whole word
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,  # otherwise pieces could not be located in a text with double spaces
            max_sentence_length=4 * _MAX_CHARACTERS + 8,  # in bytes
            input_sentence_size=0,
            shuffle_input_sentence=False,
            num_threads=1,  # more threads change the order of additions, and so the bytes
            unk_id=0,
            pad_id=1,
            bos_id=2,
            eos_id=3,
            minloglevel=3,
        )
    except RuntimeError as error:
        raise DataError(
            f"subword.vocab_size: cannot learn a vocabulary of {vocab_size} subwords from this text ({error}): choose "
            "a larger size, or a smaller size if the reason in parentheses asks for it"
        ) from None
    return model.getvalue()


def _sample_lines(lines: list[str], seed: int) -> list[str]:
    if len(lines) <= MAX_LINES:
        return lines
    chosen = random.Random(seed).sample(range(len(lines)), MAX_LINES)
    return [lines[i] for i in sorted(chosen)]


def _rare_characters(lines: Sequence[str], *, room: int) -> frozenset[str]:
    """Characters that do not get their own subword."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line)
    del counts[" "]
    least = min(5, 1 + counts.total() // 10_000)
    frequent = [character for character, count in counts.items() if count >= least and character not in _RESERVED]
    frequent.sort(key=lambda character: (-counts[character], character))
    if not frequent:
        raise DataError("no text to learn a subword vocabulary from: the corpus is empty: check the corpus files")
    return frozenset(counts) - frozenset(frequent[:room])


def _training_parts(lines: Sequence[str], rare: frozenset[str]) -> Iterator[str]:
    """The training input of SentencePiece: long lines split, rare characters replaced with spaces."""
    blank = re.compile("[" + "".join(map(re.escape, sorted(rare))) + "]") if rare else None
    for line in lines:
        for start in range(0, len(line), _MAX_CHARACTERS):
            part = line[start : start + _MAX_CHARACTERS]
            part = " ".join((blank.sub(" ", part) if blank else part).split())
            if part:
                yield part


def _doubled_words(parts: Sequence[str]) -> list[str]:
    """Lines such as `and and` that make SentencePiece consider every word with at least 3 occurrences.

    Its candidates are strings that are followed by different characters (internal nodes of a suffix tree). A word
    that is always followed by a space, or always ends its line, is not a candidate, however frequent it is. In these
    lines it does both.
    """
    counts = Counter(word for part in parts for word in part.split(" "))
    words = sorted(word for word, count in counts.items() if count >= 3 and len(word) < _MAX_PIECE_LENGTH)
    return [f"{word} {word}" for word in words]
