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
from regard.text.tokenizers import (
    END_PIECE,
    ImportedTokenizer,
    SubwordTokenizer,
    TrainedTokenizer,
    escape_text,
    join_pieces,
)
from regard.text.vocabulary import Kind, learn_vocabulary
from regard.text.word_boundaries import WordBoundaries
from regard.values import Encoding, Specials

MAX_VOCABULARY_BYTES = 16 << 20
"""Largest size of a vocabulary file in bytes; 250,000 subwords take about five million."""


class Subword:
    """A subword vocabulary with byte fallback, so that no text is ever unknown.

    Attributes:
        specials: The ids of the special tokens.
        note: Where training deviated from the requested options, as a message; None if it did not.
    """

    def __init__(self, model: bytes, *, note: str | None = None) -> None:
        """Loads a serialized SentencePiece model.

        Args:
            model: The model as `to_bytes` returns it.
            note: See the attribute.

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
                f"expected a SentencePiece model, got {len(model)} bytes that are none: {error}"
            ) from None
        self.specials = Specials(processor.unk_id(), processor.pad_id(), processor.bos_id(), processor.eos_id())
        imported = processor.piece_to_id(END_PIECE) != processor.unk_id()
        self._tokenizer: SubwordTokenizer = ImportedTokenizer(processor) if imported else TrainedTokenizer(processor)
        self._pieces, self._surfaces = self._tokenizer.pieces, self._tokenizer.surfaces
        self._imported = imported
        self._word_boundaries: WordBoundaries | None = None
        self._samplers: dict[float, SegmentationSampler] = {}
        if min(self.specials.unk, self.specials.pad, self.specials.bos, self.specials.eos) < 0:
            raise CheckpointError(
                f"expected ids for unknown, padding, begin and end in the SentencePiece model, got {self.specials}: "
                "train a vocabulary with regard"
            )

    @classmethod
    def train(cls, sentences: Iterable[str], *, vocab_size: int, kind: Kind = "unigram", seed: int = 1) -> Subword:
        """Learns a vocabulary; the same arguments give the same bytes.

        Args:
            sentences: Normalized text.
            vocab_size: Number of subwords, including the 4 special tokens and 256 bytes.
            kind: `unigram` (Kudo 2018) or `bpe` (Sennrich et al. 2016).
            seed: Seed of the line sample that a very large text is reduced to.

        Returns:
            The vocabulary. Its `note` is set if the text yields fewer subwords than `vocab_size`.

        Raises:
            DataError: There is no text, or `vocab_size` is too small.
        """
        subword = cls(learn_vocabulary(sentences, vocab_size=vocab_size, kind=kind, seed=seed))
        if len(subword) < vocab_size:
            subword.note = f"the text yields only {len(subword)} subwords, not {vocab_size}"
        return subword

    @classmethod
    def from_bytes(cls, model: bytes) -> Subword:
        """Loads a vocabulary from the result of `to_bytes`.

        Args:
            model: A serialized SentencePiece model.

        Returns:
            The vocabulary.

        Raises:
            CheckpointError: The bytes are not a SentencePiece model.
        """
        return cls(model)

    def to_bytes(self) -> bytes:
        """The serialized SentencePiece model."""
        return self._bytes

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Subword:
        """Loads a vocabulary from a file.

        Args:
            path: A file written by `save`.

        Returns:
            The vocabulary.

        Raises:
            CheckpointError: The file is missing or is not a vocabulary; the message names the file.
        """
        remedy = "expected the vocabulary that regard wrote: copy the model again, or train again"
        return cls.from_file_bytes(read_bytes(Path(path), max_bytes=MAX_VOCABULARY_BYTES, remedy=remedy), path)

    @classmethod
    def from_file_bytes(cls, model: bytes, path: str | PathLike[str]) -> Subword:
        """Loads a vocabulary from the content of a file.

        Args:
            model: A serialized SentencePiece model.
            path: The file, for error messages.

        Returns:
            The vocabulary.

        Raises:
            CheckpointError: The bytes are not a vocabulary; the message names the file.
        """
        try:
            return cls(model)
        except CheckpointError as error:
            raise CheckpointError(f"{path}: {error}") from None

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the vocabulary to a file."""
        Path(path).write_bytes(self._bytes)

    def fingerprint(self) -> str:
        """SHA-256 of the serialized model, in hexadecimal."""
        return hashlib.sha256(self._bytes).hexdigest()

    def word_boundaries(self) -> WordBoundaries:
        """Which subwords begin, continue and end words; computed once."""
        if self._word_boundaries is None:
            self._word_boundaries = WordBoundaries.of(self._surfaces)
        return self._word_boundaries

    def __len__(self) -> int:
        """Number of ids."""
        return len(self._pieces)

    def encode(self, text: str, *, sample_alpha: float = 0.0, seed: int = 0) -> Encoding:
        """Tokenizes a text, with the characters that each subword covers.

        Args:
            text: Any text; it is not normalized.
            sample_alpha: As for `encode_ids`.
            seed: As for `encode_ids`.

        Returns:
            The ids, pieces and character spans. The spaces before a word belong to no span, and all bytes of a
            character have its span.
        """
        [ids] = self.encode_ids([text], sample_alpha=sample_alpha, seed=seed)
        return Encoding(text, tuple(ids), tuple(self._pieces[i] for i in ids), self._tokenizer.spans(text, ids))

    def encode_ids(self, texts: Sequence[str], *, sample_alpha: float = 0.0, seed: int = 0) -> list[list[int]]:
        """Tokenizes many texts to ids, at the full speed of SentencePiece.

        Args:
            texts: Any texts; they are not normalized.
            sample_alpha: 0 = the best segmentation. Otherwise a segmentation is sampled (subword regularization):
                for unigram, this is the exponent of the probabilities (Kudo 2018, §3.2: 0.1 to 0.5); for BPE, the
                probability of dropping a merge (Provilkov et al. 2020: 0.1).
            seed: Random seed of the sampling; the same seed gives the same ids in any process.

        Returns:
            One list of ids per text, without bos and eos.

        Raises:
            DataError: `sample_alpha` is not 0 and the vocabulary is imported.
        """
        if sample_alpha <= 0:
            return self._tokenizer.encode(texts)
        if self._imported:
            raise DataError("an imported vocabulary cannot sample segmentations: set subword.sample_alpha to 0")
        if sample_alpha not in self._samplers:
            self._samplers[sample_alpha] = make_sampler(self._scored_pieces(), sample_alpha)
        sampler, generator = self._samplers[sample_alpha], random.Random(seed)
        return [sample_ids(escape_text(text), sampler, generator) for text in texts]

    def _scored_pieces(self) -> ScoredPieces:
        piece_ids = {piece: i for i, piece in enumerate(self._surfaces) if isinstance(piece, str)}
        scores = {piece: self._processor.get_score(i) for piece, i in piece_ids.items()}
        byte_ids = {value: i for i, value in enumerate(self._surfaces) if isinstance(value, int)}
        return ScoredPieces(piece_ids, scores, [byte_ids[value] for value in range(256)])

    def decode(self, ids: Sequence[int]) -> Encoding:
        """Detokenizes ids to one line of text with single spaces and none at the ends.

        Args:
            ids: Any ids; special tokens produce no text.

        Returns:
            The text, and the characters that each id produced.

        Raises:
            DataError: An id is not in the vocabulary.
        """
        ids = tuple(int(i) for i in ids)
        if ids and not 0 <= min(ids) <= max(ids) < len(self):
            wrong = next(i for i in ids if not 0 <= i < len(self))
            raise DataError(f"expected ids below {len(self)}, the size of the vocabulary, got {wrong}")
        text, spans = join_pieces(self._surfaces[i] for i in ids)
        return Encoding(text, ids, tuple(self._pieces[i] for i in ids), spans)
