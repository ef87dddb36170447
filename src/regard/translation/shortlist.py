"""Lexical shortlists: built from a model's attention over parallel text, stored in a file, applied to a translator."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from copy import copy
from pathlib import Path

import torch
from torch import Tensor

from regard.alignment.readout import Readout
from regard.errors import CheckpointError, DataError, SearchError
from regard.files.atomic import make_directory, write_output
from regard.files.json_text import parse_json
from regard.inspection.record import AttentionRecord
from regard.search.engine import StepEngine
from regard.search.shortlist import Shortlist
from regard.store.weights import read_tensors, write_tensors
from regard.text.file_type import check_file
from regard.text.subword import Subword
from regard.translation.chunks import chunks
from regard.translation.translator import Translator

LEAST = 0.05
"""Least attention weight at which a target subword counts as linked to a source subword."""
_BYTE = re.compile("<0x[0-9A-F]{2}>")
_EXPECTED = "expected what `regard shortlist` writes: make it again"


def make_shortlist(
    translator: Translator, sources: Sequence[str], targets: Sequence[str], *, links: int = 100, frequent: int = 300
) -> Shortlist:
    """Builds a shortlist: the target subwords that attended most to each source subword.

    Args:
        translator: A model with attention.
        sources: Sentences.
        targets: Their translations.
        links: Target subwords per source subword, those with the largest total attention.
        frequent: Most frequent target subwords that are always allowed; special tokens and the bytes of unknown
            characters are added to them.

    Returns:
        The table. With a shared vocabulary every source subword is linked to itself as well, so that names and numbers
        can be copied.

    Raises:
        DataError: The model has no attention, or the numbers are impossible.
    """
    links = min(links, len(translator.tgt_subword))
    if links < 1 or frequent < 0:
        raise DataError(f"expected at least 1 link and 0 frequent subwords, got {links} and {frequent}")
    seen: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    counts: Counter[int] = Counter()
    for window in chunks(sources, targets):
        for read in translator.score(sources[window], targets[window], only=translator.readout):
            if read.attention is not None:
                _count(read.attention, translator.readout, seen)
                counts.update(read.attention.tgt.ids)
    if not seen:
        raise DataError("no attention to count: a shortlist needs a model with attention, and pairs of sentences")
    src_subword, tgt_subword = translator.src_subword, translator.tgt_subword
    first = _first(tgt_subword)
    by_frequency = sorted(set(range(len(tgt_subword))) - set(first), key=lambda tgt: -counts[tgt])
    shared = src_subword.fingerprint() == tgt_subword.fingerprint()
    table = torch.full((len(src_subword), links + shared), tgt_subword.specials.eos)
    for src in range(len(src_subword)):
        best = sorted(seen[src], key=lambda tgt: -seen[src][tgt])[:links]
        row = [src, *best] if shared else best
        table[src, : len(row)] = torch.tensor(row, dtype=torch.int64)
    always = min(len(first) + frequent, len(tgt_subword))
    return Shortlist(table, torch.tensor([*first, *by_frequency]), always)


def _count(record: AttentionRecord, readout: Readout, seen: dict[int, dict[int, float]]) -> None:
    """Adds the attention of a pair's target subwords to its source subwords, where it is large enough."""
    rows = record.subwords(shifted=readout.shifted)  # the record has the readout's layer and head only
    matrix = rows[:, : len(record.src.ids)]
    for row, column in (matrix >= LEAST).nonzero().tolist():
        seen[record.src.ids[column]][record.tgt.ids[row]] += float(matrix[row, column])


def _first(subword: Subword) -> list[int]:
    """Special tokens and bytes."""
    specials = subword.specials
    taken = {specials.unk, specials.pad, specials.bos, specials.eos}
    pieces = subword.decode(range(len(subword))).pieces
    return sorted(taken | {number for number, piece in enumerate(pieces) if _BYTE.fullmatch(piece)})


def write_shortlist(path: Path, shortlist: Shortlist, translator: Translator) -> None:
    """Writes a shortlist in the safetensors format.

    Args:
        path: The file.
        shortlist: The table.
        translator: The translator that it was built for; its vocabularies are named in the file.

    Raises:
        CheckpointError: The file cannot be written.
    """
    note = {"always": shortlist.num_always, **_vocabularies(translator)}
    tensors = {"linked": shortlist.candidates.to(torch.int32), "order": shortlist.ranking.to(torch.int32)}
    metadata = {"shortlist": json.dumps(note, sort_keys=True)}
    make_directory(path.parent)
    write_output(path, lambda waiting: write_tensors(waiting, tensors, metadata=metadata))


def read_shortlist(path: Path, translator: Translator) -> Shortlist:
    """Reads a shortlist for a model.

    Args:
        path: A file written by `write_shortlist`.
        translator: The model.

    Returns:
        The table.

    Raises:
        CheckpointError: The file is not a shortlist.
        SearchError: The shortlist was built for other vocabularies.
    """
    check_file(path, expected="a shortlist")
    tensors, metadata = read_tensors(path)
    if "shortlist" not in metadata:
        raise CheckpointError(f"{path}: no shortlist: {_EXPECTED}")
    note = parse_json(metadata["shortlist"].encode(), where=str(path), remedy=_EXPECTED)
    always = note.pop("always", None) if isinstance(note, dict) else None
    if note != _vocabularies(translator):
        raise SearchError(
            f"{path}: made for a model with other vocabularies: make one for this model with `regard shortlist`"
        )
    if type(always) is not int or set(tensors) != {"linked", "order"}:
        raise CheckpointError(f"{path}: no whole shortlist: {_EXPECTED}")
    linked, order = tensors["linked"], tensors["order"]
    sizes = (len(translator.src_subword), len(translator.tgt_subword))
    shapes = [tuple(tensor.shape) for tensor in (linked, order)]
    fits = len(shapes[0]) == 2 and shapes[0][0] == sizes[0] and shapes[1] == sizes[1:]
    if not fits or {linked.dtype, order.dtype} != {torch.int32}:
        raise CheckpointError(
            f"{path}: expected whole numbers, links of {sizes[0]} subwords and an order of {sizes[1]}, got "
            f"{shapes[0]} and {shapes[1]}: make it again"
        )
    try:
        return Shortlist(_integers(linked), _integers(order), always)
    except SearchError as error:
        raise CheckpointError(f"{path}: {error}: make it again") from None


def shortlisted(translator: Translator, shortlist: Shortlist) -> Translator:
    """A translator restricted to a shortlist.

    Args:
        translator: A translator with regard's own engine.
        shortlist: A shortlist for its vocabularies.

    Returns:
        A new translator with the same model. Given translations are still scored over the whole vocabulary.

    Raises:
        SearchError: The translator runs another engine.
    """
    engine = translator.engine
    if not translator.models or not isinstance(engine, StepEngine):
        raise SearchError(
            "--shortlist works with a trained model only, not with an export: give the directory that `regard train` "
            "wrote, or leave out --shortlist"
        )
    within = copy(translator)
    within.engine = engine.with_shortlist(shortlist)
    return within.reopened_with(shortlisted, translator, shortlist)


def _vocabularies(translator: Translator) -> dict[str, str]:
    return {"src": translator.src_subword.fingerprint(), "tgt": translator.tgt_subword.fingerprint()}


def _integers(tensor: Tensor) -> Tensor:
    return tensor.to(torch.int64)
