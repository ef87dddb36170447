"""Sentence pairs as the text of a job: one pair per line, for corpora of any format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from regard.recipes.chunks.made_text import MadeText
from regard.recipes.chunks.store import LineFunction, OptionalLine
from regard.translation.chunks import AT_ONCE

PairFunction = Callable[[Sequence[str], Sequence[str], int], Iterable[OptionalLine]]
"""Maps source sentences, their translations and the number of the first pair to one output line each."""
_UNIT = 2 * AT_ONCE
# A multiple of what one process computes together, so that each pair is in the same batch.
_ERRORS = "surrogatepass"
# Faulty programs write half a character of UTF-16 as an escape, which some formats keep.


def pairs_text(files: Sequence[Path], pairs: Callable[[], Iterable[tuple[str, str]]]) -> MadeText:
    """Makes the input lines of a `ChunkedJob` from sentence pairs; a line is a JSON array of source and target.

    Args:
        files: The files of the pairs.
        pairs: Function that reads the pairs from the files, without text normalization.

    Returns:
        The lines, which a function from `on_pairs` can process.
    """
    return MadeText(tuple(files), lambda: (_line(*pair) for pair in pairs()), _UNIT)


def on_pairs(function: PairFunction) -> LineFunction:
    """Converts a function on sentence pairs to a function on the lines that `pairs_text` makes.

    Args:
        function: Function from source sentences, target sentences and the number of the first pair to an output line
            per pair.

    Returns:
        Function from lines, and the number of the first line, to an output line per input line.
    """

    def compute(lines: Sequence[bytes], first: int) -> Iterator[OptionalLine]:
        pairs = [json.loads(line.decode("utf-8", _ERRORS)) for line in lines]
        yield from function([src for src, _ in pairs], [tgt for _, tgt in pairs], first)

    return compute


def _line(src: str, tgt: str) -> bytes:
    """A pair as JSON, which escapes the line ends and tabs that some formats allow within a sentence."""
    return (json.dumps([src, tgt], ensure_ascii=False) + "\n").encode("utf-8", _ERRORS)
