"""Vocabularies of MarianMT: a SentencePiece model splits text into pieces, vocab.json maps the pieces to ids."""

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
_MAX_BYTES = 64 << 20
_MAX_EXTRA_ROWS = 64
"""Number of embedding rows without a piece that are accepted in addition to half of the rows, because the sizes of
embeddings are often rounded up."""
_MAX_CHARACTERS = 40


def read_vocabulary(spm: Path, vocab: Path, *, size: int, start: int) -> tuple[Subword, bool]:
    """Combines the SentencePiece file and vocab.json of a MarianMT model into one SentencePiece model.

    The new model has the pieces of vocab.json in the order of their ids. Pieces that are not in the SentencePiece file
    are never produced by segmentation, but can be decoded. Pieces that only the SentencePiece file has are
    appended after all ids of the model, separated by the marker `END_PIECE`. Segmentation may produce them; they are
    then replaced by the unknown token, so that the network never reads an id of `size` or more.

    Args:
        spm: SentencePiece file of the source or the target language.
        vocab: JSON file with the id of each piece.
        size: Number of rows of the model's embedding.
        start: Id of the decoder's first input, which is not a piece of text.

    Returns:
        A subword model with `size` ids, and whether it segments by BPE.

    Raises:
        CheckpointError: A file is missing or damaged, or the files do not belong together.
    """
    ids = read_ids(vocab, size=size)
    file = read_pieces(read_file(spm, expected="a SentencePiece model", most=_MAX_BYTES), where=str(spm))
    for special in (UNK, EOS, PAD):
        if special not in ids:
            raise CheckpointError(
                f"{vocab}: expected the vocabulary of a MarianMT model with an id for {special}, found no such id: "
                "copy the model directory again from its source"
            )
    texts = {number: text for text, number in ids.items()}
    bos = texts.get(start, "")
    if bos not in _CONTROLS:
        raise CheckpointError(
            f"{vocab}: expected one of {', '.join(_CONTROLS)} at id {start}, which is decoder_start_token_id in "
            f"config.json, got {bos!r}: copy the model directory again from its source"
        )
    _check_same_model(file, ids, spm, vocab)
    data = write_pieces(_ordered(file, texts, size), file.settings, bos=bos, eos=EOS, pad=PAD)
    try:
        return Subword(data), file.bpe
    except CheckpointError as error:
        raise CheckpointError(
            f"{spm} and {vocab.name} do not fit together: {error}; copy the model directory again from its source"
        ) from None


def read_ids(vocab: Path, *, size: int) -> dict[str, int]:
    """Reads the ids of all pieces from vocab.json.

    Args:
        vocab: Path of the file.
        size: Number of rows of the model's embedding.

    Returns:
        Dictionary from each piece to its id.

    Raises:
        CheckpointError: The file is missing or damaged, or an id is not the number of an embedding row.
    """
    tree = read_object(vocab, expected="an object from pieces to ids")
    no_id = next((text for text, number in tree.items() if type(number) is not int), None)
    if no_id is not None:
        raise CheckpointError(
            f"{vocab}: expected an object from pieces to ids, got {_short(tree[no_id])} as the id of {_short(no_id)}; "
            "copy the model directory again from its source"
        )
    ids = cast("dict[str, int]", tree)
    out_of_range = next((text for text, number in ids.items() if not 0 <= number < size), None)
    if out_of_range is not None or len(set(ids.values())) < len(ids):
        got = "an id twice" if out_of_range is None else f"{_short(ids[out_of_range])} for {_short(out_of_range)}"
        raise CheckpointError(
            f"{vocab}: expected each piece to have its own id below {size}, the number of rows of the embedding, got "
            f"{got}; copy the model directory again from its source"
        )
    if size > 2 * len(ids) + _MAX_EXTRA_ROWS:
        raise CheckpointError(
            f"{vocab}: expected ids for most of the {size} rows of the embedding, found only {len(ids)} ids: the files "
            "belong to different models, or one was truncated; copy the model directory again from its source"
        )
    return ids


def _check_same_model(file: PieceFile, ids: Mapping[str, int], spm: Path, vocab: Path) -> None:
    """Refuses files of different models: a few pieces without an id are normal, more than half are not."""
    texts = [piece.text for piece in file.pieces if piece.type is PieceType.NORMAL]
    num_without = sum(text not in ids for text in texts)
    if 2 * num_without > len(texts):
        raise CheckpointError(
            f"{vocab}: {num_without} of {len(texts)} pieces of {spm.name} have no id: the files belong to different "
            "models; copy the model directory again from its source"
        )


def _short(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}..."


def _ordered(file: PieceFile, texts: Mapping[int, str], size: int) -> list[Piece]:
    by_text = {piece.text: piece for piece in file.pieces}
    without_text = (PieceType.UNKNOWN, PieceType.CONTROL)
    lowest = min((piece.score for piece in file.pieces), default=0.0) - 1.0  # BPE merges to it last and splits it

    def piece(number: int) -> Piece:
        text = texts.get(number, f"<no piece {number}>")
        if text == UNK:
            return Piece(text, 0.0, PieceType.UNKNOWN)
        if text in _CONTROLS:
            return Piece(text, 0.0, PieceType.CONTROL)
        known = by_text.get(text)
        return known if known and known.type not in without_text else Piece(text, lowest, PieceType.UNUSED)

    with_id = set(texts.values())
    extra = [other for other in file.pieces if other.text not in with_id and other.type not in without_text]
    return [*(piece(number) for number in range(size)), Piece(END_PIECE, 0.0, PieceType.CONTROL), *extra]
