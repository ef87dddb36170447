"""Scores a stream of sentence pairs by all checks, in chunks and in several processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from regard.data.cleaning.check import Check
from regard.data.cleaning.workers import in_order
from regard.data.corpora.unit import Unit
from regard.values import Pair

CHUNK_PAIRS = 5_000
"""Number of pairs that are scored together."""
_CHUNK_CHARACTERS = 8_000_000
# Characters at which a chunk ends early, so that a few chunks fit into memory even if their lines are long.


@dataclass(frozen=True, slots=True)
class Failure:
    """A pair of a chunk that fails a check.

    Attributes:
        row: 0-based index of the pair in its chunk.
        check: 0-based index of the check.
        score: Score that the check gave.
    """

    row: int
    check: int
    score: float


@dataclass(frozen=True)
class Examiner:
    """Applies checks to chunks of pairs; it can be pickled, for worker processes.

    Attributes:
        checks: The checks in the order in which they are applied.
        final: Names of final checks: a pair that fails one of them is not given to later checks; None = all checks are
            final.
    """

    checks: tuple[Check, ...]
    final: frozenset[str] | None = None

    def __call__(self, pairs: Sequence[Pair]) -> list[Failure]:
        """Applies the checks to the pairs of a chunk.

        Args:
            pairs: Sentence pairs, not normalized.

        Returns:
            Failures, ordered by check and then by row; at most one per pair if all checks are final.
        """
        failures: list[Failure] = []
        rows = list(range(len(pairs)))
        for index, check in enumerate(self.checks):
            scores = check.scores([pairs[row] for row in rows]) if rows else ()
            failed = [Failure(row, index, score) for row, score in zip(rows, scores, strict=True)
                      if score > check.threshold]  # fmt: skip
            failures += failed
            if failed and (self.final is None or check.name in self.final):
                passed = set(rows).difference(failure.row for failure in failed)
                rows = [row for row in rows if row in passed]
        return failures


def examine(
    units: Iterable[Unit], examiner: Examiner, *, num_workers: int, chunk_pairs: int = CHUNK_PAIRS
) -> Iterator[tuple[list[Pair], list[Failure]]]:
    """Applies checks to a stream of sentence pairs, chunk by chunk.

    Args:
        units: Sentence pairs, not normalized.
        examiner: The checks to apply.
        num_workers: Number of worker processes; the result does not depend on it.
        chunk_pairs: Number of pairs per chunk.

    Yields:
        Each chunk, in the order of the stream: its pairs, and the failures of the checks on them.
    """
    yield from in_order(examiner, chunks(units, chunk_pairs), num_workers=num_workers)


def chunks(units: Iterable[Unit], size: int) -> Iterator[list[Pair]]:
    """Groups sentence pairs into chunks of at most `size` pairs and about 8 million characters.

    Args:
        units: The sentence pairs.
        size: Largest number of pairs in a chunk.

    Yields:
        Chunks of pairs, none of them empty.
    """
    chunk: list[Pair] = []
    characters = 0
    for unit in units:
        chunk.append(Pair(*unit))
        characters += len(unit.src) + len(unit.tgt)
        if len(chunk) == size or characters >= _CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk
