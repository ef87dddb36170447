"""Marian's two files of a vocabulary as one: SentencePiece cuts the text, vocab.json numbers the pieces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from regard.errors import CheckpointError
from regard.interop.foreign_json import read_object
from regard.interop.sentencepiece_file import Piece, PieceFile, PieceType, read_pieces, write_pieces
from regard.text.file_type import read_file
from regard.text.subword import Subword
from regard.text.tokenizers import END_PIECE

UNK, EOS, PAD = "<unk>", "</s>", "<pad>"
_CONTROLS = (EOS, PAD, "<s>")
_MOST = 64 << 20
_FREE = 64
"""Rows of an embedding that may have no piece, besides half of all: to make their number a round one."""
_SHOWN = 40


def read_vocabulary(spm: Path, vocab: Path, *, size: int, start: int) -> tuple[Subword, bool]:
    """Joins the two files.

    The new SentencePiece model has the pieces of vocab.json in their order. Those that the SentencePiece file does
    not have are never cut to, but can be joined; those that only it has follow after `END_PIECE` and mean `unknown`.

    Args:
        spm: The SentencePiece file of one side.
        vocab: The JSON object from pieces to ids.
        size: Rows of the model's embedding.
        start: Id that a translation begins with.

    Returns:
        A vocabulary of `size` ids, and whether it cuts by BPE.

    Raises:
        CheckpointError: A file is missing or damaged, or they do not fit together.
    """
    ids = read_ids(vocab, size=size)
    file = read_pieces(read_file(spm, expected="a SentencePiece model", most=_MOST), where=str(spm))
    for wanted in (UNK, EOS, PAD):
        if wanted not in ids:
            raise CheckpointError(f"{vocab}: expected an id for {wanted}, found none: is it a vocabulary of Marian?")
    names = {number: text for text, number in ids.items()}
    begin = names.get(start, "")
    if begin not in _CONTROLS:
        raise CheckpointError(f"{vocab}: expected a control piece at id {start}, which begins texts, got {begin!r}")
    _check_belonging(file, ids, spm, vocab)
    data = write_pieces(_ordered(file, names, size), file.settings, bos=begin, eos=EOS, pad=PAD)
    try:
        return Subword(data), file.bpe
    except CheckpointError as error:
        raise CheckpointError(f"{spm} and {vocab.name}: {error}; copy the directory again") from None


def read_ids(vocab: Path, *, size: int) -> dict[str, int]:
    """Reads vocab.json.

    Args:
        vocab: The file.
        size: Rows of the model's embedding.

    Returns:
        The id of each piece.

    Raises:
        CheckpointError: The file is missing or damaged, or an id has no row.
    """
    tree = read_object(vocab, wanted="an object from pieces to ids")
    odd = next((text for text, number in tree.items() if not isinstance(number, int) or isinstance(number, bool)), None)
    if odd is not None:
        raise CheckpointError(
            f"{vocab}: expected an object from pieces to ids, got {_short(tree[odd])} of {_short(odd)}"
        )
    ids = cast("dict[str, int]", tree)
    wrong = next((text for text, number in ids.items() if not 0 <= number < size), None)
    if wrong is not None or len(set(ids.values())) < len(ids):
        told = "an id twice" if wrong is None else f"{_short(ids[wrong])} of {_short(wrong)}"
        raise CheckpointError(f"{vocab}: expected ids below {size}, the rows of the embedding, got {told}")
    if size > 2 * len(ids) + _FREE:
        raise CheckpointError(
            f"{vocab}: expected an id for most of the {size} rows of the embedding, found {len(ids)}: the files belong "
            "to different models, or one was cut short; copy the directory again"
        )
    return ids


def _check_belonging(file: PieceFile, ids: Mapping[str, int], spm: Path, vocab: Path) -> None:
    """Refuses pieces of another model: a few without an id are usual, most are not."""
    usual = [piece.text for piece in file.pieces if piece.type is PieceType.NORMAL]
    without = sum(text not in ids for text in usual)
    if 2 * without > len(usual):
        raise CheckpointError(
            f"{vocab}: {without} of {len(usual)} pieces of {spm.name} have no id: the files belong to different "
            "models; copy the directory again"
        )


def _short(value: object) -> str:
    told = repr(value) if isinstance(value, str) else str(value)
    return told if len(told) <= _SHOWN else f"{told[:_SHOWN]}..."


def _ordered(file: PieceFile, names: Mapping[int, str], size: int) -> list[Piece]:
    known = {piece.text: piece for piece in file.pieces}
    silent = (PieceType.UNKNOWN, PieceType.CONTROL)
    lowest = min((piece.score for piece in file.pieces), default=0.0) - 1.0  # a BPE merges to it last, and undoes it

    def piece(number: int) -> Piece:
        text = names.get(number, f"<no piece {number}>")
        if text == UNK:
            return Piece(text, 0.0, PieceType.UNKNOWN)
        if text in _CONTROLS:
            return Piece(text, 0.0, PieceType.CONTROL)
        found = known.get(text)
        return found if found and found.type not in silent else Piece(text, lowest, PieceType.UNUSED)

    listed = set(names.values())
    extra = [one for one in file.pieces if one.text not in listed and one.type not in silent]
    return [*(piece(number) for number in range(size)), Piece(END_PIECE, 0.0, PieceType.CONTROL), *extra]
