"""Subword vocabularies of SentencePiece (Kudo & Richardson 2018) that map each subword to its characters."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path

import sentencepiece

from regard.errors import CheckpointError, DataError
from regard.files.reading import read_bytes
from regard.text.subword_sampling import ScoredPieces, SegmentationSampler, make_sampler, sample_ids
from regard.text.tags import tagged_language
from regard.text.term_vocabulary import TermVocabulary
from regard.text.tokenizers import (
    END_PIECE,
    SPACE,
    ImportedTokenizer,
    SubwordTokenizer,
    Surface,
    TrainedTokenizer,
    escape_text,
    join_pieces,
)
from regard.text.vocabulary import Kind, learn_vocabulary
from regard.text.word_boundaries import WordBoundaries
from regard.values import Encoding, Specials

MAX_VOCABULARY_BYTES = 16 << 20
"""Largest size of a vocabulary file in bytes; 250,000 subwords take about five million."""
_REMEDY = "copy the model again, or train again"
_EXPECTED = f"expected the vocabulary that regard wrote: {_REMEDY}"


class Subword:
    """A SentencePiece subword vocabulary, which tokenizes and detokenizes text.

    Vocabularies that regard trains have byte fallback: rare characters are spelled in bytes, so no text is unknown.

    Attributes:
        specials: Ids of the special tokens unk, pad, bos and eos.
        pieces: Spelling of each subword by id, with `▁` for a space; special tokens and bytes are in angle brackets.
        spells_everything: Whether any text can be spelled, by byte fallback; imported vocabularies may lack characters.
        language_tags: Ids of the tags that name a target language, by tag, such as `>>fr<<`, or `>>fra<<` of OPUS-MT.
        note: Message for the user if `train` could not reach the requested size; otherwise None.
    """

    def __init__(self, model: bytes, *, note: str | None = None) -> None:
        """Loads a serialized SentencePiece model.

        Args:
            model: The serialized model, as from `to_bytes`.
            note: Message for the user, kept as the attribute `note`.

        Raises:
            CheckpointError: The bytes are not a SentencePiece model, or not one that regard can use.
        """
        self._bytes = model
        self.note = note
        self._processor = processor = sentencepiece.SentencePieceProcessor()
        try:
            if not model:
                raise RuntimeError("no bytes at all")
            processor.LoadFromSerializedProto(model)
        except (RuntimeError, UnicodeDecodeError) as error:  # the library's message may quote invalid UTF-8
            raise CheckpointError(
                f"expected a SentencePiece model, got {len(model)} bytes that are not one ({error}): {_REMEDY}"
            ) from None
        self.specials = Specials(processor.unk_id(), processor.pad_id(), processor.bos_id(), processor.eos_id())
        self._imported = imported = processor.piece_to_id(END_PIECE) != processor.unk_id()
        self._tokenizer: SubwordTokenizer = ImportedTokenizer(processor) if imported else TrainedTokenizer(processor)
        self.pieces, self._surfaces = tuple(self._tokenizer.pieces), self._tokenizer.surfaces
        self.spells_everything = any(isinstance(surface, int) for surface in self._surfaces)
        self._word_boundaries: WordBoundaries | None = None
        self._term_vocabulary: TermVocabulary | None = None
        self._samplers: dict[float, SegmentationSampler] = {}
        self._tag_ids = {} if imported else _find_tags(self._surfaces)
        self.language_tags = _find_language_tags(self.pieces)
        if min(self.specials.unk, self.specials.pad, self.specials.bos, self.specials.eos) < 0:
            raise CheckpointError(
                "expected the SentencePiece model to define each of unk, pad, bos and eos, got the ids "
                f"{self.specials}, in which -1 means missing: train a vocabulary with regard"
            )

    @classmethod
    def train(
        cls,
        sentences: Iterable[str],
        *,
        vocab_size: int,
        kind: Kind = "unigram",
        seed: int = 1,
        tags: Sequence[str] = (),
    ) -> Subword:
        """Learns a subword vocabulary from text; equal arguments give equal vocabularies, byte for byte.

        Args:
            sentences: Normalized sentences, of one or both languages.
            vocab_size: Number of subwords to learn, including the 4 special tokens and 256 bytes.
            kind: Algorithm: `unigram` (Kudo 2018) or `bpe` (Sennrich et al. 2016).
            seed: Seed of the random sample of lines to learn from, if the text has more than 2,000,000 lines.
            tags: Words that become one subword each and are never split, such as `<web>`; see `regard.text.tags`.

        Returns:
            The vocabulary. Its `note` is set if the text is too small for `vocab_size` subwords.

        Raises:
            DataError: There is no text, or `vocab_size` is too small.
        """
        subword = cls(learn_vocabulary(sentences, vocab_size=vocab_size, kind=kind, seed=seed, tags=tags))
        if len(subword) < vocab_size:
            subword.note = f"the text yields only {len(subword)} subwords, not {vocab_size}"
        return subword

    @classmethod
    def from_bytes(cls, model: bytes) -> Subword:
        """Loads a vocabulary from the bytes that `to_bytes` returned.

        Args:
            model: The serialized SentencePiece model.

        Returns:
            The vocabulary.

        Raises:
            CheckpointError: The bytes are not a SentencePiece model that regard can use.
        """
        return cls(model)

    def to_bytes(self) -> bytes:
        """The vocabulary as a serialized SentencePiece model."""
        return self._bytes

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Subword:
        """Loads a vocabulary from a file.

        Args:
            path: Path of a SentencePiece model, such as a file written by `save`.

        Returns:
            The vocabulary.

        Raises:
            CheckpointError: The file is missing, too large, or not a SentencePiece model that regard can use.
        """
        return cls.from_file_bytes(read_bytes(Path(path), max_bytes=MAX_VOCABULARY_BYTES, remedy=_EXPECTED), path)

    @classmethod
    def from_file_bytes(cls, model: bytes, path: str | PathLike[str]) -> Subword:
        """Loads a vocabulary from the content of a file that was already read.

        Args:
            model: Content of the file: a serialized SentencePiece model.
            path: Path of the file, for error messages.

        Returns:
            The vocabulary.

        Raises:
            CheckpointError: The bytes are not a SentencePiece model that regard can use; the message names the file.
        """
        try:
            return cls(model)
        except CheckpointError as error:
            raise CheckpointError(f"{path}: {error}") from None

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the vocabulary to a file, as a serialized SentencePiece model."""
        Path(path).write_bytes(self._bytes)

    def fingerprint(self) -> str:
        """SHA-256 hash of the serialized SentencePiece model, in hexadecimal."""
        return hashlib.sha256(self._bytes).hexdigest()

    @property
    def tags(self) -> tuple[str, ...]:
        """Words that are one subword each and never split, such as `<web>`, in the order of their ids."""
        return tuple(piece.removeprefix(SPACE) for piece in self._tag_ids)

    def word_boundaries(self) -> WordBoundaries:
        """Which subwords begin, continue and end words; computed once."""
        if self._word_boundaries is None:
            self._word_boundaries = WordBoundaries.of(self._surfaces)
        return self._word_boundaries

    def term_vocabulary(self) -> TermVocabulary:
        """Index of the subwords by their texts, for searches that require or forbid given terms; computed once."""
        if self._term_vocabulary is None:
            self._term_vocabulary = TermVocabulary(self._surfaces, self.specials, self.encode_ids)
        return self._term_vocabulary

    def __len__(self) -> int:
        """Number of subwords, with special tokens and bytes."""
        return len(self.pieces)

    def encode(self, text: str, *, sample_alpha: float = 0.0, seed: int = 0) -> Encoding:
        """Segments a text into subwords, and finds the characters that each subword covers.

        Args:
            text: Any text; this method does not normalize it.
            sample_alpha: 0 = the best segmentation. Otherwise a random segmentation is sampled, for unigram with this
                exponent of the probabilities (smaller = more random), for BPE with this probability of dropping a merge
                (larger = more random); see `encode_ids`.
            seed: Random seed of the sampling; without effect if `sample_alpha` is 0.

        Returns:
            The text, and per subword its id, its spelling and the range of characters that it covers. The space before
            a word belongs to no subword's range; all bytes of a character have the range of the character.
        """
        [ids] = self.encode_ids([text], sample_alpha=sample_alpha, seed=seed)
        return self._encoding(text, ids)

    def encode_all(self, texts: Sequence[str]) -> list[Encoding]:
        """Segments texts into subwords as `encode` does, in one call of SentencePiece.

        Args:
            texts: Any texts; this method does not normalize them.

        Returns:
            The best segmentation of each text.
        """
        return [self._encoding(text, ids) for text, ids in zip(texts, self.encode_ids(texts), strict=True)]

    def _encoding(self, text: str, ids: Sequence[int]) -> Encoding:
        return Encoding(text, tuple(ids), tuple(self.pieces[i] for i in ids), self._tokenizer.spans(text, ids))

    def encode_ids(self, texts: Sequence[str], *, sample_alpha: float = 0.0, seed: int = 0) -> list[list[int]]:
        """Segments texts into subwords and returns their ids; faster than `encode` for many texts.

        Args:
            texts: Any texts; this method does not normalize them.
            sample_alpha: 0 = the best segmentation. Otherwise a random segmentation is sampled (subword
                regularization), and this number is, for unigram, the exponent of the probabilities (Kudo 2018, §3.2:
                0.1 to 0.5); for BPE, the probability of dropping a merge (Provilkov et al. 2020: 0.1).
            seed: Random seed of the sampling; the same seed gives the same ids in any process.

        Returns:
            One list of subword ids per text, without bos and eos.

        Raises:
            DataError: `sample_alpha` is not 0, and the vocabulary was imported from another toolkit.
        """
        if sample_alpha <= 0:
            return self._tokenizer.encode(texts)
        if self._imported:
            raise DataError(
                f"subword.sample_alpha: expected 0, got {sample_alpha:g}: a vocabulary imported from another toolkit "
                "cannot sample segmentations; set it to 0"
            )
        if sample_alpha not in self._samplers:
            self._samplers[sample_alpha] = make_sampler(self._scored_pieces(), sample_alpha)
        sampler, generator = self._samplers[sample_alpha], random.Random(seed)
        return [sample_ids(escape_text(text), sampler, generator, self._tag_ids) for text in texts]

    def _scored_pieces(self) -> ScoredPieces:
        tag_ids = self._tag_ids.values()  # have no probability or rank
        piece_ids = {piece: i for i, piece in enumerate(self._surfaces) if isinstance(piece, str) and i not in tag_ids}
        scores = {piece: self._processor.get_score(i) for piece, i in piece_ids.items()}
        byte_ids = {value: i for i, value in enumerate(self._surfaces) if isinstance(value, int)}
        return ScoredPieces(piece_ids, scores, [byte_ids[value] for value in range(256)])

    def decode(self, ids: Sequence[int]) -> Encoding:
        """Converts subword ids back to text: one line with single spaces, and no spaces at the ends.

        Args:
            ids: Any subword ids; special tokens produce no text.

        Returns:
            The text, the ids, and per id its subword's spelling and the range of characters of the text that it
            produced.

        Raises:
            DataError: An id is not in the vocabulary.
        """
        ids = tuple(int(i) for i in ids)
        if ids and not 0 <= min(ids) <= max(ids) < len(self):
            wrong = next(i for i in ids if not 0 <= i < len(self))
            raise DataError(
                f"expected subword ids below {len(self)}, the size of the vocabulary, got {wrong}: use the vocabulary "
                "that produced the ids"
            )
        text, spans = join_pieces(self._surfaces[i] for i in ids)
        return Encoding(text, ids, tuple(self.pieces[i] for i in ids), spans)


def _find_tags(surfaces: Sequence[Surface]) -> dict[str, int]:
    """Ids of the tags by their spelling with `▁`: they come after the special tokens, and before the bytes."""
    first_byte = next((i for i, surface in enumerate(surfaces) if isinstance(surface, int)), 0)
    return {surface: i for i, surface in enumerate(surfaces[:first_byte]) if isinstance(surface, str)}


def _find_language_tags(pieces: Sequence[str]) -> dict[str, int]:
    tags = {piece.removeprefix(SPACE): i for i, piece in enumerate(pieces) if piece.startswith((">>", f"{SPACE}>>"))}
    return {tag: i for tag, i in tags.items() if tagged_language(tag) is not None}


def scored_surfaces(subword: Subword) -> list[tuple[Surface, float]]:
    """Lists the surface form and the score of each subword of a vocabulary.

    Args:
        subword: The vocabulary.

    Returns:
        Per subword, in the order of the ids: its surface form, which is its characters (with `▁` for a space), the
        value of one byte, or None for a special token; and its log-probability (negative merge rank for BPE; 0 for
        bytes).
    """
    return [(surface, subword._processor.get_score(i)) for i, surface in enumerate(subword._surfaces)]
