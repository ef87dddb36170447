"""SentencePiece tokenization with character spans, for vocabularies that regard trained and for imported ones.

SentencePiece writes spaces into its pieces as `▁`, adds one before the first word, and spells an unknown character with
one piece per UTF-8 byte. `escape_text`, `locate_pieces` and `join_pieces` map pieces to characters and back.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TypeVar

import sentencepiece

from regard.errors import CheckpointError
from regard.text.normalize import replace_blanks, replace_surrogates
from regard.values import Span

SubwordT = TypeVar("SubwordT", int, str)
END_PIECE = "<regard:end>"
"""Marks the end of the ids of an imported vocabulary. Pieces after it take part in tokenization but have no id."""

# Two spaces, a ligature that NFKC would decompose, and a character that no vocabulary has.
_PROBE = "a  \ufb01\U000f1234"
_LANGUAGE = re.compile(r">>[^<>\s]+<<")


SPACE = "\u2581"
"""The character that stands for a space in a piece."""

_ESCAPED_SPACE = "\U0010fffd"
# A text may contain `▁` itself. It passes through SentencePiece as the last private-use code point, which practically
# never occurs; a text that contains that code point is decoded with `▁` instead.

Surface = str | int | None
"""The surface form of an id: characters (with `▁` for a space), the value of one byte, or None for special tokens."""


def escape_text(text: str) -> str:
    """Prepares text for SentencePiece: escapes `▁` and replaces unpaired surrogates; the length stays the same."""
    return text if text.isascii() else replace_surrogates(text).replace(SPACE, _ESCAPED_SPACE)


def unescape_text(text: str) -> str:
    """Restores the `▁` that `escape_text` escaped; the length stays the same."""
    return text.replace(_ESCAPED_SPACE, SPACE)


def locate_pieces(text: str, surfaces: Iterable[Surface]) -> tuple[Span, ...]:
    """Finds the characters that each subword of a text covers.

    Args:
        text: The text that was segmented, after `escape_text`.
        surfaces: Surface form of each subword of the text, in order: characters (with `▁` for a space), the value of
            one byte, or None for a subword without text, such as a special token. The forms that are not None together
            spell `▁` and the text.

    Returns:
        Per subword, the range `[start, end)` of the characters that it covers. The space before a word belongs to no
        range, so a subword that is only a space has an empty range at the next character. All bytes of a character have
        the range of the character.
    """
    spans: list[Span] = []
    end, bytes_left = -1, 0  # the space that SentencePiece adds before the text is at -1
    for surface in surfaces:
        if isinstance(surface, str):
            spans.append((end + _leading_spaces(surface), end + len(surface)))
            end += len(surface)
        elif isinstance(surface, int):
            if not bytes_left:
                bytes_left = len(text[end].encode())
                end += 1
            bytes_left -= 1
            spans.append((end - 1, end))
        else:
            spans.append((end, end))
    return tuple(spans)


def join_pieces(surfaces: Iterable[Surface]) -> tuple[str, tuple[Span, ...]]:
    """Converts any sequence of subwords to one line of text.

    Invalid UTF-8 becomes U+FFFD. Line breaks become spaces; runs of spaces become one space; spaces at the ends are
    removed.

    Args:
        surfaces: Surface form of each subword, in order: characters (with `▁` for a space), the value of one byte, or
            None for a special token.

    Returns:
        The text; and per subword, the range `[start, end)` of the characters of the text that it produced.
    """
    parts: list[str] = []
    spans: list[Span] = []
    byte_run: list[int] = []
    length = 0
    for surface in (*surfaces, None):  # the added None ends a run of bytes
        if isinstance(surface, int):
            byte_run.append(surface)
            continue
        if byte_run:
            parts.append(_decode_bytes(byte_run, length, spans))
            length += len(parts[-1])
            byte_run = []
        text = surface or ""
        spans.append((length + _leading_spaces(text), length + len(text)))
        parts.append(text.replace(SPACE, " "))
        length += len(text)
    return _collapse_spaces("".join(parts), spans[:-1])


def _leading_spaces(piece: str) -> int:
    return len(piece) - len(piece.lstrip(SPACE))


def _decode_bytes(byte_run: list[int], start: int, spans: list[Span]) -> str:
    """Decodes a run of bytes to text that starts at `start`, and appends one span per byte to `spans`."""
    characters: list[str] = []
    rest = bytes(byte_run)
    while rest:
        try:
            valid, num_invalid, after = rest.decode(), 0, b""
        except UnicodeDecodeError as error:
            valid, num_invalid, after = rest[: error.start].decode(), error.end - error.start, rest[error.end :]
        decoded = [(character, len(character.encode())) for character in valid]
        for character, size in decoded + [("\ufffd", num_invalid)] * bool(num_invalid):
            spans += [(start + len(characters), start + len(characters) + 1)] * size
            characters.append(character)
        rest = after
    return "".join(characters)


def _collapse_spaces(raw: str, spans: list[Span]) -> tuple[str, tuple[Span, ...]]:
    """Collapses runs of spaces, strips the ends, and adjusts the spans."""
    characters: list[str] = []
    positions: list[int] = []  # position in the result of each position in `raw`
    for character in replace_blanks(raw):
        positions.append(len(characters))
        if character != " " or (characters and characters[-1] != " "):
            characters.append(character)
    positions.append(len(characters))
    text = "".join(characters).rstrip(" ")
    moved = tuple((min(positions[start], len(text)), min(positions[end], len(text))) for start, end in spans)
    return unescape_text(text), moved


class SubwordTokenizer(ABC):
    """Base class of tokenizers, which segment texts into subwords and locate the subwords in the text.

    Args:
        processor: A loaded SentencePiece model.

    Attributes:
        pieces: Subword of each id, as SentencePiece spells it.
        surfaces: Surface form of each id: characters, the value of one byte, or None for a special token.

    Raises:
        CheckpointError: A piece of the SentencePiece model is not valid UTF-8.
    """

    def __init__(self, processor: sentencepiece.SentencePieceProcessor) -> None:
        self._processor = processor
        self._num_pieces: int = processor.get_piece_size()
        try:
            self.pieces: tuple[str, ...] = tuple(processor.id_to_piece(i) for i in range(self._num_pieces))
        except UnicodeDecodeError as error:
            raise CheckpointError(
                f"this SentencePiece model has pieces that are not valid UTF-8 ({error}): copy the model "
                "again, or train again"
            ) from None
        self.surfaces: tuple[Surface, ...] = tuple(self._surface(i) for i in range(self._num_pieces))

    def _surface(self, piece_id: int) -> Surface:
        if self._processor.is_byte(piece_id):
            return int(self.pieces[piece_id][3:-1], 16)  # spelled <0x41>
        special = self._processor.is_control(piece_id) or self._processor.is_unknown(piece_id)
        return None if special else self.pieces[piece_id]

    def _segmented(self, escaped: Sequence[str], kind: type[SubwordT]) -> list[list[SubwordT]]:
        """Subwords of escaped texts, as ids (`int`) or as pieces (`str`)."""
        if len(escaped) == 1:  # for a list, SentencePiece starts threads, which takes 40 times as long as a sentence
            return [self._processor.encode(escaped[0], out_type=kind)]
        segmented: list[list[SubwordT]] = self._processor.encode(list(escaped), out_type=kind)
        return segmented

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Segments texts into subwords.

        Args:
            texts: Any texts.

        Returns:
            One list of subword ids per text, without bos and eos.
        """

    @abstractmethod
    def spans(self, text: str, ids: Sequence[int]) -> tuple[Span, ...]:
        """Finds the characters that each subword of a text covers.

        Args:
            text: The text, as passed to `encode`.
            ids: Subword ids of the text, from `encode`.

        Returns:
            Per id, the range `[start, end)` of the characters of `text` that the subword covers.
        """


class TrainedTokenizer(SubwordTokenizer):
    """Tokenizer for vocabularies trained by regard, whose pieces spell each text exactly, without normalization.

    Args:
        processor: A loaded SentencePiece model.

    Raises:
        CheckpointError: The SentencePiece model normalizes the text, or has no piece for some byte.
    """

    def __init__(self, processor: sentencepiece.SentencePieceProcessor) -> None:
        super().__init__(processor)
        surfaces = (self.surfaces[i] for i in processor.encode(_PROBE, out_type=int))
        spelled = b"".join(bytes([s]) if isinstance(s, int) else (s or "").encode() for s in surfaces)
        has_inner_spaces = any(SPACE in surface[1:] for surface in self.surfaces if isinstance(surface, str))
        # Without a piece for the space, bytes would spell it, and the space before the first word has no character in
        # the text that their spans could refer to.
        if SPACE not in self.surfaces or has_inner_spaces or spelled != (SPACE + _PROBE.replace(" ", SPACE)).encode():
            raise CheckpointError(
                "this SentencePiece model normalizes the text, or has no piece for some byte, so that its pieces "
                "cannot be located in the text: train a vocabulary with regard"
            )

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Segments texts with the trained SentencePiece model. See `SubwordTokenizer.encode`."""
        return self._segmented([escape_text(text) for text in texts], int)

    def spans(self, text: str, ids: Sequence[int]) -> tuple[Span, ...]:
        """Finds the characters of each subword from the lengths of the subwords. See `SubwordTokenizer.spans`."""
        return locate_pieces(escape_text(text), (self.surfaces[i] for i in ids))


class ImportedTokenizer(SubwordTokenizer):
    """Tokenizer for vocabularies of other toolkits, which may normalize the text and have unknown characters.

    A language token at the start of the text, such as `>>fra<<`, becomes one id if the vocabulary contains the token.

    Args:
        processor: A loaded SentencePiece model with the piece `END_PIECE`. The pieces before `END_PIECE` are the
            vocabulary, with the ids of the model; the pieces after it only help to segment text, and `encode` gives
            them the id of unk.
    """

    def __init__(self, processor: sentencepiece.SentencePieceProcessor) -> None:
        super().__init__(processor)
        size = self.pieces.index(END_PIECE)
        self._unknown: int = processor.unk_id()
        self.pieces, self.surfaces = self.pieces[:size], self.surfaces[:size]
        # Text cannot spell special tokens.
        self._ids = {piece: i for i, piece in enumerate(self.pieces) if self.surfaces[i] is not None}

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Segments texts; pieces outside the vocabulary get the id of unk. See `SubwordTokenizer.encode`."""
        starts = [self._language(text) for text in texts]
        rests = [escape_text(text[len(start) :]) for text, start in zip(texts, starts, strict=True)]
        # A piece that SentencePiece does not know may still have an id, from the vocabulary of the other side.
        pieces = self._segmented(rests, str)
        ids = [[self._ids.get(piece, self._unknown) for piece in row] for row in pieces]
        return [[self._ids[start], *row] if start else row for start, row in zip(starts, ids, strict=True)]

    def _language(self, text: str) -> str:
        match = _LANGUAGE.match(text)
        return match.group() if match and match.group() in self._ids else ""

    def spans(self, text: str, ids: Sequence[int]) -> tuple[Span, ...]:
        """Finds the characters that each subword covers in the original text, before normalization.

        See `SubwordTokenizer.spans`.
        """
        start = len(self._language(text))
        rest = escape_text(text[start:])
        pieces: list[str] = self._processor.encode(rest, out_type=str)  # unknown pieces included
        real = ids[1:] if start else ids
        surfaces = [self._surface_of(i, piece) for i, piece in zip(real, pieces, strict=True)]
        normalized, offsets = self._processor.normalize(rest, with_offsets=True)
        if surfaces and not normalized.startswith(SPACE):  # a vocabulary without the dummy prefix space
            surfaces[0], normalized, offsets = f"{SPACE}{surfaces[0]}", SPACE + normalized, [0, *offsets]
        spans = [(offsets[first + 1], offsets[end + 1]) for first, end in locate_pieces(normalized[1:], surfaces)]
        # The letters of a decomposed ligature share its span.
        whole = [
            (first, max(end, first + 1) if piece.strip(SPACE) else first)
            for (first, end), piece in zip(spans, pieces, strict=True)
        ]
        result = [(first + start, min(end + start, len(text))) for first, end in whole]
        return ((0, start), *result) if start else tuple(result)

    def _surface_of(self, piece_id: int, piece: str) -> Surface:
        surface = self.surfaces[piece_id]
        return surface if isinstance(surface, int) else piece
