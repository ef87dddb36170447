"""Marian's two files of a vocabulary as one: SentencePiece cuts the text, vocab.json numbers the pieces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from regard.errors import CheckpointError
from regard.interop.sentencepiece_file import Piece, PieceFile, PieceType, read_pieces, write_pieces
from regard.text.cutting import END
from regard.text.subword import Subword

UNK, EOS, PAD = "<unk>", "</s>", "<pad>"
_CONTROLS = (EOS, PAD, "<s>")


def read_vocabulary(spm: Path, vocab: Path, *, size: int, start: int) -> tuple[Subword, bool]:
    """Joins the two files.

    The new SentencePiece model has the pieces of vocab.json in their order. Those that the SentencePiece file does
    not have are never cut to, but can be joined; those that only it has follow behind `END` and mean `unknown`.

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
    try:
        file = read_pieces(spm.read_bytes(), where=str(spm))
    except OSError as error:
        raise CheckpointError(f"{spm}: cannot be read: {error.strerror}; copy the whole directory") from None
    for wanted in (UNK, EOS, PAD):
        if wanted not in ids:
            raise CheckpointError(f"{vocab}: expected an id for {wanted}, found none: is it a vocabulary of Marian?")
    names = {number: text for text, number in ids.items()}
    begin = names.get(start, "")
    if begin not in _CONTROLS:
        raise CheckpointError(f"{vocab}: expected a control piece at id {start}, which begins texts, got {begin!r}")
    data = write_pieces(_ordered(file, names, size), file.settings, bos=begin, eos=EOS, pad=PAD)
    return Subword(data), file.bpe


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
    try:
        tree = json.loads(vocab.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{vocab}: cannot be read: {error.strerror}; copy the whole directory") from None
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{vocab}: not valid JSON ({error}): copy it again") from None
    if not isinstance(tree, dict) or not all(isinstance(number, int) for number in tree.values()):
        raise CheckpointError(f"{vocab}: expected an object from pieces to ids")
    ids: dict[str, int] = tree
    wrong = next((text for text, number in ids.items() if not 0 <= number < size), None)
    if wrong is not None or len(set(ids.values())) < len(ids):
        told = "an id twice" if wrong is None else f"{ids[wrong]} for {wrong!r}"
        raise CheckpointError(f"{vocab}: expected ids below {size}, the rows of the embedding, got {told}")
    return ids


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
    return [*(piece(number) for number in range(size)), Piece(END, 0.0, PieceType.CONTROL), *extra]
