"""The `regard data clean` command that does what an inspection suggests."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from regard.data.cleaning.filters import Filters
from regard.data.cleaning.inspect import CorpusReport, Overlap
from regard.data.corpora.formats import FORMATS
from regard.data.corpora.writers import OUTPUT_FORMATS
from regard.files.compression import without_compression_suffix

_SMALL = 0.2
# Largest size of a corpus, relative to another, that is taken for a test set of it.
MANY = 0.1
"""Share of a corpus from which on a check that drops it needs a look at the examples."""


def clean_command(report: CorpusReport, filters: Filters) -> str:
    """Makes the `regard data clean` command that cleans a corpus as its inspection suggests.

    Args:
        report: Result of the inspection of the corpus.
        filters: Names and thresholds of the checks that the inspection applied.

    Returns:
        The command line for a shell, quoted where needed.
    """
    source, options = report.source, report.source.options
    arguments = ["regard", "data", "clean", str(source.src), *([] if source.tgt is None else [str(source.tgt)])]
    if report.langs is not None:
        arguments += ["--langs", "-".join(report.langs)]
    if options.encoding is not None:
        arguments += ["--encoding", options.encoding]
    if options.columns is not None:
        arguments += ["--columns", ",".join(options.columns)]
    if options.on_error == "skip" or report.reading.num_faults:
        arguments += ["--on-error", "skip"]
    for name, threshold in filters.thresholds.items():
        arguments += ["--without", name] if threshold is None else ["--check", f"{name}={threshold:g}"]
    test_sets = [",".join(map(str, overlap.other.files)) for overlap in test_set_overlaps(report)]
    for name in dict.fromkeys([*filters.test_sets, *test_sets]):
        arguments += ["--test-set", name]
    return shlex.join([*arguments, *_output(report)])


def test_set_overlaps(report: CorpusReport) -> Iterator[Overlap]:
    """Finds corpora that share sentences with an inspected corpus and are so small that they are probably test sets.

    Args:
        report: Result of the inspection of a corpus.

    Yields:
        For each such corpus, counts of the sentences that both have in common.
    """
    for overlap in report.overlaps:
        is_small = overlap.other_size <= _SMALL * report.num_pairs
        if is_small and overlap.num_src + overlap.num_tgt:
            yield overlap


def _output(report: CorpusReport) -> list[str]:
    """Options for an output in the same format, or as TSV, in the current directory."""
    name = "standard-input" if str(report.source.src) == "-" else report.source.src.name
    plain = Path(without_compression_suffix(name))
    compression = name[len(plain.name) :]
    format = report.format if report.format in OUTPUT_FORMATS else "tsv"
    if OUTPUT_FORMATS[format].num_files == 2:
        return ["--out", f"{plain.stem}-clean{compression}", "--to", format]
    suffix = plain.suffix if plain.suffix in FORMATS[format].suffixes else FORMATS[format].suffixes[0]
    return ["--out", f"{plain.stem}-clean{suffix}{compression}"]
