"""Lexical shortlists, the target subwords allowed per source subword: building, storing and using them."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
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
"""Smallest attention weight at which a target subword counts as linked to a source subword."""
_BYTE = re.compile("<0x[0-9A-F]{2}>")
_EXPECTED = "expected a file that `regard shortlist` wrote: run `regard shortlist` again"


def make_shortlist(
    translator: Translator, sources: Sequence[str], targets: Sequence[str], *, links: int = 100, frequent: int = 300
) -> Shortlist:
    """Builds a lexical shortlist: for each source subword, the target subwords that attended to it most.

    Args:
        translator: A model with attention.
        sources: Source sentences of parallel text.
        targets: One translation per source sentence.
        links: Number of target subwords per source subword; those with the largest total attention are chosen.
        frequent: Number of most frequent target subwords that are allowed in every sentence; special tokens and byte
            tokens are always allowed, too.

    Returns:
        The shortlist. With a shared vocabulary each source subword is also linked to itself, so that names and numbers
        can be copied.

    Raises:
        DataError: The model has no attention, no sentence pair can be used, `links` is less than 1, or `frequent` is
            negative.
    """
    links = min(links, len(translator.tgt_subword))
    if links < 1 or frequent < 0:
        raise DataError(
            "shortlist: expected `links`, the number of target subwords per source subword, to be at least 1, and "
            f"`frequent`, the number of frequent target subwords, at least 0, got links={links} and frequent={frequent}"
        )
    seen: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    counts: Counter[int] = Counter()
    for window in chunks(sources, targets):
        for read in translator.score(sources[window], targets[window], only=translator.readout):
            if read.attention is not None:
                _count(read.attention, translator.readout, seen)
                counts.update(read.attention.tgt.ids)
    if not seen:
        raise DataError(
            "no attention was computed: a shortlist needs a model with attention, and at least one sentence pair that "
            "is neither empty nor too long for the model"
        )
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
    return sorted(taken | {number for number, piece in enumerate(subword.pieces) if _BYTE.fullmatch(piece)})


def write_shortlist(path: Path, shortlist: Shortlist, translator: Translator) -> None:
    """Writes a shortlist in the safetensors format.

    Args:
        path: Path of the file.
        shortlist: The shortlist.
        translator: The translator that the shortlist was built for; hashes of its vocabularies are stored in the file.

    Raises:
        CheckpointError: The file cannot be written.
    """
    note = {"always": shortlist.num_always, **_vocabularies(translator)}
    tensors = {"linked": shortlist.candidates.to(torch.int32), "order": shortlist.ranking.to(torch.int32)}
    metadata = {"shortlist": json.dumps(note, sort_keys=True)}
    make_directory(path.parent)
    write_output(path, lambda waiting: write_tensors(waiting, tensors, metadata=metadata))


def read_shortlist(path: Path, translator: Translator) -> Shortlist:
    """Reads a shortlist, and checks that it was built for the vocabularies of a model.

    Args:
        path: File written by `write_shortlist`.
        translator: The model that will use the shortlist.

    Returns:
        The shortlist.

    Raises:
        CheckpointError: The file is missing or damaged, or is not a shortlist.
        SearchError: The shortlist was built for other vocabularies.
    """
    check_file(path, expected="a shortlist")
    tensors, metadata = read_tensors(path)
    if "shortlist" not in metadata:
        raise CheckpointError(f"{path}: not a shortlist: {_EXPECTED}")
    note = parse_json(metadata["shortlist"].encode(), where=str(path), remedy=_EXPECTED)
    always = note.pop("always", None) if isinstance(note, dict) else None
    if note != _vocabularies(translator):
        raise SearchError(
            f"{path}: this shortlist was made for a model with other vocabularies: make a shortlist for this model "
            "with `regard shortlist`"
        )
    if type(always) is not int or set(tensors) != {"linked", "order"}:
        raise CheckpointError(f"{path}: damaged shortlist: {_EXPECTED}")
    linked, order = tensors["linked"], tensors["order"]
    sizes = (len(translator.src_subword), len(translator.tgt_subword))
    shapes = [tuple(tensor.shape) for tensor in (linked, order)]
    fits = len(shapes[0]) == 2 and shapes[0][0] == sizes[0] and shapes[1] == sizes[1:]
    if not fits or {linked.dtype, order.dtype} != {torch.int32}:
        raise CheckpointError(
            f"{path}: damaged shortlist: expected int32 tensors `linked` of shape ({sizes[0]}, links) and `order` of "
            f"shape ({sizes[1]},), got {linked.dtype} {shapes[0]} and {order.dtype} {shapes[1]}: run `regard "
            "shortlist` again"
        )
    try:
        return Shortlist(_integers(linked), _integers(order), always)
    except SearchError as error:
        raise CheckpointError(f"{path}: damaged shortlist: {error}: run `regard shortlist` again") from None


def shortlisted(translator: Translator, shortlist: Shortlist) -> Translator:
    """Restricts a translator to the target subwords of a shortlist.

    Args:
        translator: A translator with regard's own engine.
        shortlist: A shortlist for the translator's vocabularies.

    Returns:
        A new translator with the same model. Its `score` method still uses the whole vocabulary.

    Raises:
        SearchError: The translator runs another engine.
    """
    engine = translator.engine
    if not translator.models or not isinstance(engine, StepEngine):
        raise SearchError(
            "--shortlist works with a trained model only, not with an export: give the directory that `regard train` "
            "wrote, or leave out --shortlist"
        )
    within = translator.with_engine(engine.with_shortlist(shortlist))
    return within.reopened_with(shortlisted, translator, shortlist)


def _vocabularies(translator: Translator) -> dict[str, str]:
    return {"src": translator.src_subword.fingerprint(), "tgt": translator.tgt_subword.fingerprint()}


def _integers(tensor: Tensor) -> Tensor:
    return tensor.to(torch.int64)
