"""Finds the file and line of a training pair, for the files about batches with gradients that are not finite."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

from regard.data.prepared.corpus import PreparedCorpus
from regard.recipes.prepare import Prepared
from regard.train.broken import TrainingLine


def _line_on_disk(corpus: PreparedCorpus, row: int) -> TrainingLine:
    name, line = corpus.origin(row)
    return TrainingLine(f"{name}:{line}", *(corpus.texts(row) or ()))


def line_finder(prepared: Prepared) -> Callable[[int], TrainingLine]:
    """Makes a function that finds a training pair, and its file and line, by its row number.

    Args:
        prepared: Input of the training.

    Returns:
        Function that takes the row number of a pair in the encoded training corpus, from 0. The origin of a pair is the
        file with its source, and the number of its line or translation unit in this file. For text of several corpora
        that is not prepared on disk, the number of the pair in the whole training text replaces the number in the file.
    """
    on_disk = prepared.on_disk
    if on_disk is not None:
        return lambda row: _line_on_disk(on_disk, row)
    data, pairs = prepared.config.data, prepared.train.pairs
    names = [corpus.src for corpus in data.corpora] or [data.src or ""]
    ends = list(accumulate(share.num_rows for share in prepared.shares)) or [len(pairs)]

    def find(row: int) -> TrainingLine:
        pair = pairs[row]
        name = names[next(number for number, end in enumerate(ends) if row < end)]
        if not pair.line:
            return TrainingLine(name, pair.src, pair.tgt)
        place = f":{pair.line}" if len(ends) == 1 else f", pair {pair.line} of the training text"
        return TrainingLine(name + place, pair.src, pair.tgt)

    return find
