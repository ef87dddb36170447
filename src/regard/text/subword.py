"""Subwords by SentencePiece (Kudo & Richardson 2018), with the way back to the characters they came from."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import sentencepiece

from regard.errors import CheckpointError, DataError
from regard.values import Encoding, Span, Specials

BYTE_PIECES = 256
SPACE = "\u2581"
"""How SentencePiece spells a space."""
MAX_TRAIN_CHARS = 4096
"""Lines longer than this are cut for training the vocabulary (not for translation)."""


class Subword:
    """A vocabulary of subwords. Bytes stand in for what it has never seen, so nothing is ever unknown.

    Args:
        model: A serialised SentencePiece model.

    Raises:
        CheckpointError: When these bytes are no such model.

    Attributes:
        note: What training had to change of what was asked for, or None.
    """

    def __init__(self, model: bytes, *, note: str | None = None) -> None:
        self._bytes = model
        self.note = note
        self._processor = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(model)
        except RuntimeError as error:
            raise CheckpointError(f"not a SentencePiece model: {error}") from None
        processor = self._processor
        self.specials = Specials(processor.unk_id(), processor.pad_id(), processor.bos_id(), processor.eos_id())
        if min(self.specials.pad, self.specials.bos, self.specials.eos) < 0:
            raise CheckpointError(
                "the SentencePiece model has no ids for padding, begin and end of a sentence: train one with regard"
            )

    @classmethod
    def train(
        cls,
        sentences: Iterable[str],
        *,
        vocab_size: int,
        kind: Literal["unigram", "bpe"] = "unigram",
        seed: int = 1,
    ) -> Subword:
        """Learns a vocabulary.

        Args:
            sentences: Normalised text.
            vocab_size: Subwords wanted, the 4 specials and 256 bytes among them; fewer when the text is too small.
            kind: `unigram` (Kudo 2018) or `bpe` (Sennrich 2016).
            seed: For the sampling of very large texts.

        Returns:
            The vocabulary; its `note` says if it is smaller than asked for.

        Raises:
            DataError: When there is no text, or it needs a larger vocabulary.
        """
        lines = [line[:MAX_TRAIN_CHARS] for line in sentences if line]
        characters = {character for line in lines for character in line if character != " "}
        if not characters:
            raise DataError("no text to learn a subword vocabulary from: the corpus is empty")
        floor = BYTE_PIECES + 4 + 1
        if vocab_size < floor + 10:
            raise DataError(
                f"subword.vocab_size must be at least {floor + 10} (256 of them are bytes), but is {vocab_size}"
            )
        coverage = 1.0 if len(characters) + floor < vocab_size * 0.6 else 0.9995
        sentencepiece.set_random_generator_seed(seed)
        size, first_error = vocab_size, ""
        while size >= floor + 10:
            try:
                model = cls._train_once(lines, size, kind, coverage)
            except RuntimeError as error:
                first_error = first_error or str(error)
                size = int(size * 0.9)
                continue
            note = None if size == vocab_size else f"the text has room for {size} subwords, not {vocab_size}"
            return cls(model, note=note)
        raise DataError(f"no subword vocabulary of at most {vocab_size} could be learnt: {first_error}")

    @staticmethod
    def _train_once(lines: Sequence[str], size: int, kind: str, coverage: float) -> bytes:
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            vocab_size=size,
            model_type=kind,
            character_coverage=coverage,
            byte_fallback=True,
            normalization_rule_name="identity",
            max_sentence_length=4 * MAX_TRAIN_CHARS,
            input_sentence_size=2_000_000,
            shuffle_input_sentence=True,
            num_threads=1,  # more threads add up in another order: other bytes
            unk_id=0,
            pad_id=1,
            bos_id=2,
            eos_id=3,
            minloglevel=2,
        )
        return model.getvalue()

    @classmethod
    def load(cls, path: str | Path) -> Subword:
        """Reads a vocabulary from a file.

        Raises:
            CheckpointError: When the file is missing or no SentencePiece model.
        """
        try:
            return cls(Path(path).read_bytes())
        except OSError as error:
            raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from None
        except CheckpointError as error:
            raise CheckpointError(f"{path}: {error}") from None

    def save(self, path: str | Path) -> None:
        """Writes the vocabulary as a SentencePiece model file."""
        Path(path).write_bytes(self._bytes)

    def to_bytes(self) -> bytes:
        """The serialised SentencePiece model."""
        return self._bytes

    def fingerprint(self) -> str:
        """SHA-256 of the model, in hexadecimal."""
        return hashlib.sha256(self._bytes).hexdigest()

    def __len__(self) -> int:
        """Number of ids."""
        return int(self._processor.get_piece_size())

    def encode(self, text: str, *, sample_alpha: float = 0.0) -> Encoding:
        """Cuts a text, keeping track of characters.

        Args:
            text: Normalised text.
            sample_alpha: Smoothing of a sampled segmentation (Kudo 2018); 0 = the best one.

        Returns:
            Ids, pieces and, for each, the characters it covers. The bytes of one character share its span.
        """
        decoded = self.decode(self.encode_ids([text], sample_alpha=sample_alpha)[0])
        return Encoding(text, decoded.ids, decoded.pieces, decoded.spans)

    def encode_ids(self, texts: Sequence[str], *, sample_alpha: float = 0.0) -> list[list[int]]:
        """Cuts many texts, ids only, as fast as SentencePiece can; see `encode`."""
        sampling = sample_alpha > 0
        ids: list[list[int]] = self._processor.encode(
            list(texts), out_type=int, enable_sampling=sampling, alpha=sample_alpha if sampling else 0.1, nbest_size=-1
        )
        return ids

    def decode(self, ids: Sequence[int]) -> Encoding:
        """Joins ids to text.

        Args:
            ids: Any ids; specials have no surface.

        Returns:
            The text, normalised, and the characters of it that each id produced.
        """
        text, starts, pending = "", [], b""
        pieces = tuple(self._processor.id_to_piece(int(i)) for i in ids)
        surfaces: list[Span] = []
        for i, piece in zip(ids, pieces, strict=True):
            if self._is_byte(int(i)):
                pending += bytes([int(piece[3:-1], 16)])
                starts.append(len(surfaces))
                surfaces.append((len(text), len(text)))
                text, pending, starts = _flush(text, pending, starts, surfaces)
                continue
            text, pending, starts = _flush(text, pending, starts, surfaces, final=True)
            surface = "" if self._processor.is_control(int(i)) else piece.replace(SPACE, " ")
            surface = surface if text else surface.lstrip(" ")
            # The space before a word is not part of what its first piece covers.
            start = len(text) + (len(surface) > 1 and surface[0] == " ")
            text += surface
            surfaces.append((start, len(text)))
        text, _, _ = _flush(text, pending, starts, surfaces, final=True)
        stripped = text.rstrip(" ")
        limit = len(stripped)
        return Encoding(
            stripped, tuple(int(i) for i in ids), pieces, tuple((min(a, limit), min(b, limit)) for a, b in surfaces)
        )

    def _is_byte(self, piece_id: int) -> bool:
        return bool(self._processor.is_byte(piece_id))


def _flush(
    text: str, pending: bytes, holders: list[int], surfaces: list[Span], *, final: bool = False
) -> tuple[str, bytes, list[int]]:
    """Turns bytes into a character once they are one; `final` gives up on bytes that never became one."""
    if not pending:
        return text, b"", []
    try:
        character = pending.decode("utf-8")
    except UnicodeDecodeError as error:
        if not final and error.reason == "unexpected end of data":
            return text, pending, holders
        character = "\ufffd"
    for holder in holders:
        surfaces[holder] = (len(text), len(text) + len(character))
    return text + character, b"", []
