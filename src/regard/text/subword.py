"""Subwords by SentencePiece (Kudo & Richardson 2018), with the way back to the characters they came from."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path

import sentencepiece

from regard.errors import CheckpointError, DataError
from regard.files.reading import read_bytes
from regard.text.spans import END, Cutter, ImportedCutter, PlainCutter
from regard.text.subword_sampling import Pieces, Sampler, make_sampler, sample
from regard.text.surface import hide, join
from regard.text.vocabulary import Kind, learn_vocabulary
from regard.values import Encoding, Specials

LARGEST_VOCABULARY = 16 << 20
"""Bytes of a vocabulary's file, at most: 250,000 subwords take five million."""


class Subword:
    """A vocabulary of subwords. Bytes spell what it has never seen, so nothing is ever unknown.

    Attributes:
        specials: The ids that are not text.
        note: What training had to change of what was asked for, or None.
    """

    def __init__(self, model: bytes, *, note: str | None = None) -> None:
        """Reads a serialized SentencePiece model.

        Args:
            model: What `to_bytes` gave.
            note: See the attribute.

        Raises:
            CheckpointError: When these bytes are no such model, or not one that regard has trained.
        """
        self._bytes = model
        self.note = note
        self._processor = processor = sentencepiece.SentencePieceProcessor()
        try:
            if not model:
                raise RuntimeError("no bytes at all")
            processor.LoadFromSerializedProto(model)
        except (RuntimeError, UnicodeDecodeError) as error:  # the library's words may quote what is no text
            raise CheckpointError(f"expected a SentencePiece model, got {len(model)} other bytes: {error}") from None
        self.specials = Specials(processor.unk_id(), processor.pad_id(), processor.bos_id(), processor.eos_id())
        imported = processor.piece_to_id(END) != processor.unk_id()
        self._cutter: Cutter = ImportedCutter(processor) if imported else PlainCutter(processor)
        self._pieces, self._surfaces = self._cutter.pieces, self._cutter.surfaces
        self._imported = imported
        self._samplers: dict[float, Sampler] = {}
        if min(self.specials.unk, self.specials.pad, self.specials.bos, self.specials.eos) < 0:
            raise CheckpointError(
                f"expected ids for unknown, padding, begin and end in the SentencePiece model, got {self.specials}: "
                "train one with regard"
            )

    @classmethod
    def train(cls, sentences: Iterable[str], *, vocab_size: int, kind: Kind = "unigram", seed: int = 1) -> Subword:
        """Learns a vocabulary; the same arguments give the same bytes.

        Args:
            sentences: Normalized text.
            vocab_size: Subwords wanted, the 4 specials and 256 bytes among them.
            kind: `unigram` (Kudo 2018) or `bpe` (Sennrich et al. 2016).
            seed: Decides which lines are used of a very large text.

        Returns:
            The vocabulary; its `note` says so if the text had room for fewer subwords only.

        Raises:
            DataError: When there is no text, or `vocab_size` leaves no room for any.
        """
        subword = cls(learn_vocabulary(sentences, vocab_size=vocab_size, kind=kind, seed=seed))
        if len(subword) < vocab_size:
            subword.note = f"the text has room for {len(subword)} subwords, not {vocab_size}"
        return subword

    @classmethod
    def from_bytes(cls, model: bytes) -> Subword:
        """Reads what `to_bytes` gave.

        Args:
            model: A serialized SentencePiece model.

        Returns:
            The vocabulary.

        Raises:
            CheckpointError: When these bytes are no such model.
        """
        return cls(model)

    def to_bytes(self) -> bytes:
        """The serialized SentencePiece model."""
        return self._bytes

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Subword:
        """Reads a vocabulary from a file.

        Args:
            path: What `save` wrote.

        Returns:
            The vocabulary.

        Raises:
            CheckpointError: When the file is missing or is no vocabulary; the message names it.
        """
        remedy = "expected the vocabulary that regard wrote: copy the model again, or train again"
        return cls.named(read_bytes(Path(path), max_bytes=LARGEST_VOCABULARY, remedy=remedy), path)

    @classmethod
    def named(cls, model: bytes, path: str | PathLike[str]) -> Subword:
        """Reads a vocabulary from the content of a file.

        Args:
            model: What `to_bytes` gave.
            path: The file, for messages.

        Returns:
            The vocabulary.

        Raises:
            CheckpointError: When these bytes are no vocabulary; the message names the file.
        """
        try:
            return cls(model)
        except CheckpointError as error:
            raise CheckpointError(f"{path}: {error}") from None

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the vocabulary to a file."""
        Path(path).write_bytes(self._bytes)

    def fingerprint(self) -> str:
        """SHA-256 of the model, in hexadecimal."""
        return hashlib.sha256(self._bytes).hexdigest()

    def __len__(self) -> int:
        """Number of ids."""
        return len(self._pieces)

    def encode(self, text: str, *, sample_alpha: float = 0.0, seed: int = 0) -> Encoding:
        """Cuts a text, keeping track of its characters.

        Args:
            text: Any text; it is not normalized here.
            sample_alpha: As for `encode_ids`.
            seed: As for `encode_ids`.

        Returns:
            Ids, pieces and, for each, the characters it covers. The spaces before a word belong to no span, and
            the bytes of one character share its span.
        """
        [ids] = self.encode_ids([text], sample_alpha=sample_alpha, seed=seed)
        return Encoding(text, tuple(ids), tuple(self._pieces[i] for i in ids), self._cutter.spans(text, ids))

    def encode_ids(self, texts: Sequence[str], *, sample_alpha: float = 0.0, seed: int = 0) -> list[list[int]]:
        """Cuts many texts, ids only, as fast as SentencePiece can.

        Args:
            texts: Any texts; they are not normalized here.
            sample_alpha: 0 = the best segmentation. Otherwise one is drawn at random (subword regularization):
                for unigram, probabilities are taken to this power (Kudo 2018, §3.2: 0.1 to 0.5), for BPE it is the
                share of merges left out (Provilkov et al. 2020: 0.1).
            seed: Decides the draw: the same seed draws the same, in any process.

        Returns:
            One list of ids a text, without bos and eos.

        Raises:
            DataError: A segmentation should be drawn from an imported vocabulary.
        """
        if sample_alpha <= 0:
            return self._cutter.cut(texts)
        if self._imported:
            raise DataError("an imported vocabulary draws no segmentations: set subword.sample_alpha to 0")
        if sample_alpha not in self._samplers:
            self._samplers[sample_alpha] = make_sampler(self._weigh(), sample_alpha)
        sampler, generator = self._samplers[sample_alpha], random.Random(seed)
        return [sample(hide(text), sampler, generator) for text in texts]

    def _weigh(self) -> Pieces:
        spelled = {piece: i for i, piece in enumerate(self._surfaces) if isinstance(piece, str)}
        scores = {piece: self._processor.get_score(i) for piece, i in spelled.items()}
        byte_ids = {value: i for i, value in enumerate(self._surfaces) if isinstance(value, int)}
        return Pieces(spelled, scores, [byte_ids[value] for value in range(256)])

    def decode(self, ids: Sequence[int]) -> Encoding:
        """Joins ids to a text: one line, single spaces, none at the ends.

        Args:
            ids: Any ids, specials among them: these have no surface.

        Returns:
            The text, and the characters of it that each id produced.

        Raises:
            DataError: When an id is not in the vocabulary.
        """
        ids = tuple(int(i) for i in ids)
        if ids and not 0 <= min(ids) <= max(ids) < len(self):
            wrong = next(i for i in ids if not 0 <= i < len(self))
            raise DataError(f"expected ids below {len(self)}, the size of the vocabulary, got {wrong}")
        text, spans = join(self._surfaces[i] for i in ids)
        return Encoding(text, ids, tuple(self._pieces[i] for i in ids), spans)
