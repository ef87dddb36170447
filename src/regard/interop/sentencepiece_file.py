"""SentencePiece models as bytes: read part by part and put together again, without its code for protocol buffers.

The format is that of protocol buffers: fields one after the other, each a number, a wire type and a value. Only
`ModelProto` of sentencepiece_model.proto is known here: its pieces (1), how it was trained (2), how text is
normalized before it is cut (3) and after it is joined (5).
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from regard.errors import CheckpointError

_PIECE, _TRAINER, _KEPT = 1, 2, (2, 3, 5)
_MODEL_TYPE, _BOS, _EOS, _PAD = 3, 46, 47, 48
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class PieceType(IntEnum):
    """What a piece is for."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True, slots=True)
class Piece:
    """One entry of a vocabulary.

    Attributes:
        text: How it is written, with `▁` for a space.
        score: Its log-probability (unigram), or its rank among merges (BPE).
        type: What it is for.
    """

    text: str
    score: float
    type: PieceType


@dataclass(frozen=True, slots=True)
class PieceFile:
    """A SentencePiece model.

    Attributes:
        pieces: In the order of their ids.
        settings: Everything else, as it stands in the file.
        bpe: Whether it cuts by merges rather than by probabilities.
    """

    pieces: tuple[Piece, ...]
    settings: bytes
    bpe: bool


def read_pieces(data: bytes, *, where: str) -> PieceFile:
    """Reads a SentencePiece model.

    Args:
        data: The file's content.
        where: The file, for messages.

    Returns:
        Its parts.

    Raises:
        CheckpointError: This is no such model, or it is cut short.
    """
    pieces: list[Piece] = []
    settings, bpe, trained = b"", False, False
    try:
        for number, value in _fields(data):
            if number == _PIECE and isinstance(value, bytes):
                pieces.append(_piece(value))
            elif number in _KEPT and isinstance(value, bytes):
                settings += _written(number, value)
                if number == _TRAINER:
                    trained = True
                    bpe = bpe or (_MODEL_TYPE, 2) in list(_fields(value))
    except (ValueError, IndexError, struct.error) as error:
        raise CheckpointError(f"{where}: expected a SentencePiece model, got something else: {error}") from None
    if not pieces:
        raise CheckpointError(f"{where}: expected a SentencePiece model, got {len(data)} bytes without a piece in them")
    twice = next((text for text, count in Counter(one.text for one in pieces).items() if count > 1), None)
    if twice is not None or not trained:
        fault = "it does not say how it was trained" if twice is None else f"it has the piece {twice[:40]!r} twice"
        raise CheckpointError(f"{where}: expected a SentencePiece model, got a damaged one: {fault}; copy it again")
    return PieceFile(tuple(pieces), settings, bpe)


def write_pieces(pieces: Iterable[Piece], settings: bytes, *, bos: str, eos: str, pad: str) -> bytes:
    """Writes a SentencePiece model.

    Args:
        pieces: In the order of their ids.
        settings: Those of a model that was read.
        bos: The piece that begins a text; a control piece.
        eos: The piece that ends a text; a control piece.
        pad: The piece that fills up; a control piece.

    Returns:
        The file's content.
    """
    rows = [
        _written(1, piece.text.encode()) + _key(2, _FIXED32) + struct.pack("<f", piece.score) + _number(3, piece.type)
        for piece in pieces
    ]
    names = b"".join(_written(number, text.encode()) for number, text in ((_BOS, bos), (_EOS, eos), (_PAD, pad)))
    # A part that comes a second time is merged with the first: the last value counts.
    return b"".join(_written(_PIECE, row) for row in rows) + settings + _written(_TRAINER, names)


def _piece(data: bytes) -> Piece:
    fields = dict(_fields(data))
    text, score, kind = fields.get(1, b""), fields.get(2, b"\0\0\0\0"), fields.get(3, int(PieceType.NORMAL))
    if not (isinstance(text, bytes) and isinstance(score, bytes) and isinstance(kind, int)):
        raise ValueError("a piece of another form")
    value = float(struct.unpack("<f", score)[0])
    if not math.isfinite(value):
        raise ValueError(f"a piece with the score {value}")
    return Piece(text.decode(), value, PieceType(kind))


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, place = _varint(data, place)
            yield number, value
            continue
        if wire == _BYTES:
            size, place = _varint(data, place)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}.get(wire, -1)
        if size < 0 or place + size > len(data):
            raise ValueError(f"damaged at byte {place}")
        yield number, data[place : place + size]
        place += size


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
    raise ValueError(f"a number without an end at byte {place}")


def _base128(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _key(number: int, wire: int) -> bytes:
    return _base128(number << 3 | wire)


def _number(number: int, value: int) -> bytes:
    return _key(number, _VARINT) + _base128(value)


def _written(number: int, value: bytes) -> bytes:
    return _key(number, _BYTES) + _base128(len(value)) + value
