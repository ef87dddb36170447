"""Normalized sentence pairs of a corpus in any format, as training needs them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from regard.data.corpora.formats import PathName, open_corpus
from regard.data.corpora.table import TableReader
from regard.data.corpora.unit import ReadOptions, UnitReader
from regard.errors import DataError
from regard.text.normalize import normalize
from regard.values import Pair

_LINE_FORMATS = ("plain", "moses", "tsv", "csv", "jsonl")


@dataclass(frozen=True, slots=True)
class PairFile:
    """Sentence pairs that were read from a corpus.

    Attributes:
        pairs: Sentence pairs with text on both sides, in file order.
        num_empty: Number of sentence pairs left out because the source or the target is empty.
        num_wide_rows: Number of table rows with more than two columns; only their first two columns were read.
        rows: Per pair, its 0-based number among all sentence pairs, including those with an empty side.
        left_out: Number of sentence pairs left out for another reason that is not an error, by reason.
        num_faults: Number of faulty sentence pairs left out.
        faults: Messages of the first faulty sentence pairs.
        name: The file or files, for messages.
        format: Name of the format.
        languages: Number of sentence pairs read in each language, by its code or name as the file spells it, such as
            `"en-US"`.
        warnings: Signs that the languages are in another order than the options say, one sentence each.
    """

    pairs: list[Pair]
    num_empty: int
    num_wide_rows: int = 0
    rows: Sequence[int] = ()
    left_out: Counter[str] = field(default_factory=Counter)
    num_faults: int = 0
    faults: tuple[str, ...] = ()
    name: str = ""
    format: str = ""
    languages: Counter[str] = field(default_factory=Counter)
    warnings: tuple[str, ...] = ()


def read_pairs(
    src: PathName, tgt: PathName | None = None, options: ReadOptions | None = None, *, format: str | None = None
) -> PairFile:
    """Reads the sentence pairs of a corpus, and normalizes them.

    Args:
        src: File of source sentences, or a file with both languages in any format that `open_corpus` detects.
        tgt: File of target sentences; line n is the translation of line n of `src`. None = `src` has both languages.
        options: How to read; None = the defaults.
        format: Name of the format; None = detected.

    Returns:
        The sentence pairs with text on both sides, and the number of pairs left out.

    Raises:
        ConfigError: There is no such format, or a package that it needs is not installed.
        DataError: A file cannot be read, the two files have different numbers of lines, a TSV line has no tab, the
            first two columns are not text, or no sentence pair is left.
    """
    reader = open_corpus(src, tgt, options, format=format)
    pairs: list[Pair] = []
    rows: list[int] = []
    num_units = 0
    for pair in normalized_pairs(reader):
        if pair.src and pair.tgt:
            pairs.append(pair)
            rows.append(num_units)
        num_units += 1
    if not pairs:
        raise no_pairs_error(reader, num_units)
    numbers = range(num_units) if num_units == len(pairs) else rows
    return replace(summary_of(reader, num_units - len(pairs)), pairs=pairs, rows=numbers)


def summary_of(reader: UnitReader, num_empty: int) -> PairFile:
    """Makes a `PairFile` without pairs, which says what a reader has read and left out.

    Args:
        reader: The reader, after it has read all units.
        num_empty: Number of pairs with an empty side.

    Returns:
        The summary.
    """
    report = reader.report
    return PairFile(
        [],
        num_empty,
        reader.num_wide_rows if isinstance(reader, TableReader) else 0,
        (),
        report.left_out,
        report.num_faults,
        tuple(report.faults),
        reader.name,
        reader.format,
        report.languages,
        tuple(report.direction_warnings()),
    )


def normalized_pairs(reader: UnitReader) -> Iterator[Pair]:
    """Reads a corpus and normalizes its texts.

    Args:
        reader: Reader of the corpus.

    Yields:
        All sentence pairs, also those with an empty side.

    Raises:
        DataError: The file cannot be read, or a unit is faulty and the reader stops at faults.
    """
    for src, tgt, line in reader.units():
        yield Pair(normalize(src), normalize(tgt), line)


def no_pairs_error(reader: UnitReader, num_units: int) -> DataError:
    """Error to raise if no pair of a corpus has text on both sides.

    Args:
        reader: The reader, after it has read all units.
        num_units: Number of pairs read.

    Returns:
        The error, which says what was left out.
    """
    report = reader.report
    unit = "lines" if reader.format in _LINE_FORMATS else "units"
    reasons = dict(report.left_out) | ({"faulty": report.num_faults} if report.num_faults else {})
    left_out = "".join(f"; {count} left out: {reason}" for reason, count in reasons.items())
    found = "" if not report.faults else f" (first fault: {report.faults[0]})"
    return DataError(
        f"{reader.name}: expected sentence pairs with text on both sides, found none in "
        f"{num_units + sum(reasons.values())} {unit}{left_out}{found}: check that it is the right file"
    )
