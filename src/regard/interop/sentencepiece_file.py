"""Reads and writes SentencePiece model files, without generated protocol buffer code.

A protocol buffer is a sequence of fields; each has a number, a wire type and a value. Only `ModelProto` of
sentencepiece_model.proto is supported: pieces (field number 1), training options (2), and the text normalization before
segmentation (3) and after detokenization (5).
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from regard.errors import CheckpointError

_PIECE, _TRAINER, _SETTINGS = 1, 2, (2, 3, 5)
_MODEL_TYPE, _BOS, _EOS, _PAD = 3, 46, 47, 48
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class PieceType(IntEnum):
    """Type of a piece in a SentencePiece model, numbered as in sentencepiece_model.proto."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece (subword) of a SentencePiece vocabulary.

    Attributes:
        text: Text of the piece, with `▁` for a space.
        score: Log-probability of the piece in unigram models; minus the rank of the merge in BPE models.
        type: Type of the piece.
    """

    text: str
    score: float
    type: PieceType


@dataclass(frozen=True, slots=True)
class PieceFile:
    """Content of a SentencePiece model file.

    Attributes:
        pieces: Pieces in the order of their ids.
        settings: Training and normalization options, as serialized protocol buffer fields.
        bpe: Whether the model segments by merges (BPE); otherwise by probabilities (unigram).
    """

    pieces: tuple[Piece, ...]
    settings: bytes
    bpe: bool


def read_pieces(data: bytes, *, where: str) -> PieceFile:
    """Parses the content of a SentencePiece model file.

    Args:
        data: Content of the file.
        where: Name of the file, for messages.

    Returns:
        Pieces and options of the model.

    Raises:
        CheckpointError: The data are not a SentencePiece model, or are truncated or damaged.
    """
    pieces: list[Piece] = []
    settings, bpe, trained = b"", False, False
    try:
        for number, value in _fields(data):
            if number == _PIECE and isinstance(value, bytes):
                pieces.append(_piece(value))
            elif number in _SETTINGS and isinstance(value, bytes):
                settings += _bytes_field(number, value)
                if number == _TRAINER:
                    trained = True
                    bpe = bpe or (_MODEL_TYPE, 2) in list(_fields(value))
    except (ValueError, IndexError, struct.error) as error:
        raise CheckpointError(
            f"{where}: expected a SentencePiece model, got another or a damaged file ({error}): copy the file again"
        ) from None
    if not pieces:
        raise CheckpointError(
            f"{where}: expected a SentencePiece model, got {len(data)} bytes without any piece: copy the file again"
        )
    duplicate = next((text for text, count in Counter(piece.text for piece in pieces).items() if count > 1), None)
    if duplicate is not None or not trained:
        fault = "it has no training options" if duplicate is None else f"it has the piece {duplicate[:40]!r} twice"
        raise CheckpointError(
            f"{where}: expected a SentencePiece model, got a damaged one: {fault}; copy the file again"
        )
    return PieceFile(tuple(pieces), settings, bpe)


def write_pieces(pieces: Iterable[Piece], settings: bytes, *, bos: str, eos: str, pad: str) -> bytes:
    """Serializes a SentencePiece model from pieces and the options of another model.

    Args:
        pieces: Pieces in the order of their ids.
        settings: Training and normalization options, from `PieceFile.settings` of another model.
        bos: Text of the control piece for the beginning of a sentence.
        eos: Text of the control piece for the end of a sentence.
        pad: Text of the control piece for padding.

    Returns:
        Content of the SentencePiece model file.
    """
    rows = [
        _bytes_field(1, piece.text.encode())
        + _key(2, _FIXED32)
        + struct.pack("<f", piece.score)
        + _varint_field(3, piece.type)
        for piece in pieces
    ]
    names = b"".join(_bytes_field(number, text.encode()) for number, text in ((_BOS, bos), (_EOS, eos), (_PAD, pad)))
    # Protocol buffers merge repeated messages: these names override those in the settings.
    return b"".join(_bytes_field(_PIECE, row) for row in rows) + settings + _bytes_field(_TRAINER, names)


def _piece(data: bytes) -> Piece:
    fields = dict(_fields(data))
    text, score, kind = fields.get(1, b""), fields.get(2, b"\0\0\0\0"), fields.get(3, int(PieceType.NORMAL))
    if not (isinstance(text, bytes) and isinstance(score, bytes) and isinstance(kind, int)):
        raise ValueError("the SentencePiece file is damaged: a piece has a text, score or type of the wrong data type")
    value = float(struct.unpack("<f", score)[0])
    if not math.isfinite(value):
        raise ValueError(f"the SentencePiece file is damaged: expected a finite score of each piece, found {value}")
    return Piece(text.decode(), value, PieceType(kind))


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    offset = 0
    while offset < len(data):
        key, offset = _varint(data, offset)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, offset = _varint(data, offset)
            yield number, value
            continue
        if wire == _BYTES:
            size, offset = _varint(data, offset)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}.get(wire, -1)
        if size < 0 or offset + size > len(data):
            raise ValueError(
                f"the SentencePiece file is damaged: the field at byte {offset} has an unknown type or is cut off"
            )
        yield number, data[offset : offset + size]
        offset += size


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64:
        byte = data[offset]
        value |= (byte & 0x7F) << shift
        offset, shift = offset + 1, shift + 7
        if byte < 0x80:
            return value, offset
    raise ValueError(f"the SentencePiece file is damaged: an integer of more than 10 bytes ends before byte {offset}")


def _base128(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _key(number: int, wire: int) -> bytes:
    return _base128(number << 3 | wire)


def _varint_field(number: int, value: int) -> bytes:
    return _key(number, _VARINT) + _base128(value)


def _bytes_field(number: int, value: bytes) -> bytes:
    return _key(number, _BYTES) + _base128(len(value)) + value
