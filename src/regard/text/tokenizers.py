"""Cutting a text with SentencePiece and finding its pieces again, by one's own vocabulary or by an imported one."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

import sentencepiece

from regard.errors import CheckpointError
from regard.text.surface import SPACE, Surface, escape_text, locate_pieces
from regard.values import Span

END_PIECE = "<regard:end>"
"""Stands behind the last id of an imported vocabulary. Pieces behind it take part in cutting, but have no id."""

# Two spaces, a ligature that NFKC would take apart, and a character that no vocabulary has.
_PROBE = "a  \ufb01\U000f1234"
_LANGUAGE = re.compile(r">>[^<>\s]+<<")


class SubwordTokenizer(ABC):
    """Base of the ways to cut.

    Args:
        processor: A vocabulary that is loaded.

    Attributes:
        pieces: How each id is written.
        surfaces: What each id stands for.

    Raises:
        CheckpointError: Some of its pieces are no text.
    """

    def __init__(self, processor: sentencepiece.SentencePieceProcessor) -> None:
        self._processor = processor
        self._num_pieces: int = processor.get_piece_size()
        try:
            self.pieces: tuple[str, ...] = tuple(processor.id_to_piece(i) for i in range(self._num_pieces))
        except UnicodeDecodeError as error:
            raise CheckpointError(
                f"this SentencePiece model has pieces that are no text ({error}): copy the model again, or train again"
            ) from None
        self.surfaces: tuple[Surface, ...] = tuple(self._surface(i) for i in range(self._num_pieces))

    def _surface(self, piece_id: int) -> Surface:
        if self._processor.is_byte(piece_id):
            return int(self.pieces[piece_id][3:-1], 16)  # spelled <0x41>
        silent = self._processor.is_control(piece_id) or self._processor.is_unknown(piece_id)
        return None if silent else self.pieces[piece_id]

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Cuts texts.

        Args:
            texts: Any texts.

        Returns:
            Ids of each, without bos and eos.
        """

    @abstractmethod
    def spans(self, text: str, ids: Sequence[int]) -> tuple[Span, ...]:
        """Finds the ids of a text in it.

        Args:
            text: The text.
            ids: What `cut` gave for it.

        Returns:
            The characters that each id covers.
        """


class TrainedTokenizer(SubwordTokenizer):
    """Cuts by a vocabulary that regard has trained: it changes nothing of the text, so its pieces are the text.

    Args:
        processor: A vocabulary that is loaded.

    Raises:
        CheckpointError: It changes the text, or cannot spell every byte.
    """

    def __init__(self, processor: sentencepiece.SentencePieceProcessor) -> None:
        super().__init__(processor)
        surfaces = (self.surfaces[i] for i in processor.encode(_PROBE, out_type=int))
        spelled = b"".join(bytes([s]) if isinstance(s, int) else (s or "").encode() for s in surfaces)
        over_spaces = any(SPACE in surface[1:] for surface in self.surfaces if isinstance(surface, str))
        # A space that bytes spell has no character of its own before the text, where its first word's stands.
        if SPACE not in self.surfaces or over_spaces or spelled != (SPACE + _PROBE.replace(" ", SPACE)).encode():
            raise CheckpointError(
                "this SentencePiece model changes the text before it cuts it, or cannot spell every byte, so that its "
                "pieces could not be found again in the text: train one with regard"
            )

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """See `SubwordTokenizer.encode`."""
        ids: list[list[int]] = self._processor.encode([escape_text(text) for text in texts], out_type=int)
        return ids

    def spans(self, text: str, ids: Sequence[int]) -> tuple[Span, ...]:
        """See `SubwordTokenizer.spans`."""
        return locate_pieces(escape_text(text), (self.surfaces[i] for i in ids))


class ImportedTokenizer(SubwordTokenizer):
    """Cuts by a vocabulary of another toolkit, which may normalize the text and leave characters unknown.

    A language that the text begins with, such as `>>fra<<`, is one id if the vocabulary has it.

    Args:
        processor: A vocabulary with the piece `END` behind its last id.
    """

    def __init__(self, processor: sentencepiece.SentencePieceProcessor) -> None:
        super().__init__(processor)
        size = self.pieces.index(END_PIECE)
        self._unknown: int = processor.unk_id()
        self.pieces, self.surfaces = self.pieces[:size], self.surfaces[:size]
        # No text spells what is no text.
        self._ids = {piece: i for i, piece in enumerate(self.pieces) if self.surfaces[i] is not None}

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """See `SubwordTokenizer.encode`."""
        starts = [self._language(text) for text in texts]
        rests = [escape_text(text[len(start) :]) for text, start in zip(texts, starts, strict=True)]
        # What SentencePiece does not know may still have an id, from the vocabulary of the other side.
        found: list[list[str]] = self._processor.encode(rests, out_type=str)
        meant = [[self._ids.get(piece, self._unknown) for piece in pieces] for pieces in found]
        return [[self._ids[start], *ids] if start else ids for start, ids in zip(starts, meant, strict=True)]

    def _language(self, text: str) -> str:
        found = _LANGUAGE.match(text)
        return found.group() if found and found.group() in self._ids else ""

    def spans(self, text: str, ids: Sequence[int]) -> tuple[Span, ...]:
        """See `SubwordTokenizer.spans`."""
        start = len(self._language(text))
        rest = escape_text(text[start:])
        written: list[str] = self._processor.encode(rest, out_type=str)  # as they stand in the text, unknown ones too
        real = ids[1:] if start else ids
        surfaces = [self._byte(i, piece) for i, piece in zip(real, written, strict=True)]
        normal, origins = self._processor.normalize(rest, with_offsets=True)
        if surfaces and not normal.startswith(SPACE):  # this vocabulary begins no text with a space
            surfaces[0], normal, origins = f"{SPACE}{surfaces[0]}", SPACE + normal, [0, *origins]
        spans = [(origins[one + 1], origins[end + 1]) for one, end in locate_pieces(normal[1:], surfaces)]
        # The letters that a ligature was taken apart into share its span.
        whole = [
            (one, max(end, one + 1) if piece.strip(SPACE) else one)
            for (one, end), piece in zip(spans, written, strict=True)
        ]
        found = [(one + start, min(end + start, len(text))) for one, end in whole]
        return ((0, start), *found) if start else tuple(found)

    def _byte(self, piece_id: int, piece: str) -> Surface:
        surface = self.surfaces[piece_id]
        return surface if isinstance(surface, int) else piece
