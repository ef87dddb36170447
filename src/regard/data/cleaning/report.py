"""The report of an inspection as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from regard.data.cleaning.advice import MANY, clean_command, test_set_overlaps
from regard.data.cleaning.filters import Filters
from regard.data.cleaning.histogram import Lengths, draw_text
from regard.data.cleaning.inspect import CorpusReport, Finding, Overlap
from regard.data.cleaning.rejects import Reject
from regard.data.cleaning.side_text import SideText
from regard.data.cleaning.summary import left_out_lines, shown
from regard.files.printable import counted, plural
from regard.text.languages import english_name

SIDES = ("source", "target")
_NUM_SHOWN = 2
# Number of examples per finding in the text.
_MIN_SHARE = 0.005
# Smallest share of a language or script that is shown.


def report_lines(reports: Sequence[CorpusReport], filters: Filters) -> Iterator[str]:
    """Writes the report of an inspection as text.

    Args:
        reports: Inspections of all corpora.
        filters: Names and thresholds of the checks, for the suggested command.

    Yields:
        Lines of text, without line ends.
    """
    for report in reports:
        yield f"{report.source.name} ({report.format})"
        yield from _count_lines(report)
        for name, side in zip(SIDES, report.sides, strict=True):
            yield from _side_lines(name, side)
        yield ""
        yield "  pairs that look wrong"
        for finding in report.findings:
            if finding.count:
                yield from _finding_lines(finding, report.num_pairs)
        if report.model_finding is not None:
            yield from _finding_lines(report.model_finding, report.num_pairs)
        yield from (f"  {line}" for line in nothing_found_lines(report))
        for overlap in report.overlaps:
            yield f"  in {overlap.other.name} as well: {overlap_counts(overlap)}"
            yield from _example_lines(overlap.finding.examples)
        yield ""
        yield from (f"  {line}" for line in advice_lines(report))
        yield f"  $ {clean_command(report, filters)}"
        yield ""


def advice_lines(report: CorpusReport) -> Iterator[str]:
    """Writes advice on how to clean an inspected corpus, to be printed above the command that cleans it.

    Args:
        report: Inspection of a corpus.

    Yields:
        Lines of advice, one sentence each.
    """
    dropped, pairs = report.num_pairs - report.num_kept, counted(report.num_pairs, "pair")
    share = share_text(dropped, report.num_pairs)
    yield f"Cleaning would drop {dropped:,} of {pairs} ({share}) and keep {report.num_kept:,}."
    for finding in report.findings:
        if finding.count > MANY * report.num_pairs:
            yield (
                f"{finding.name} alone drops {share_text(finding.count, report.num_pairs)}: read its examples first; "
                f"--without {finding.name} leaves it out."
            )
    for overlap in test_set_overlaps(report):
        yield f"It would also drop what {overlap.other.name} contains, which looks like a test set."
    if report.langs_are_guessed and report.langs is not None:
        yield f"The languages are a guess: {' and '.join(map(english_name, report.langs))}."
    elif report.langs is None:
        yield "The languages are unknown, so some checks were left out: name them, such as --langs en-fr."


def nothing_found_lines(report: CorpusReport) -> Iterator[str]:
    """Names the checks that found nothing, and those that could not be made, with what they need.

    Args:
        report: Inspection of a corpus.

    Yields:
        Lines of text, one sentence each.
    """
    if empty := [finding.name for finding in report.findings if not finding.count]:
        yield f"Nothing was found by {', '.join(empty)}."
    for name, needs in report.not_checked.items():
        yield f"Not checked: {name}, which needs {needs}."


def report_tree(reports: Sequence[CorpusReport], filters: Filters) -> dict[str, object]:
    """Makes the report of an inspection as data that JSON can hold.

    Args:
        reports: Inspections of all corpora.
        filters: Names and thresholds of the checks, for the suggested command.

    Returns:
        The report, of dictionaries, lists, strings and numbers.
    """
    return {"corpora": [_corpus_tree(report, filters) for report in reports]}


def overlap_counts(overlap: Overlap) -> str:
    """Says how many pairs, sources and targets a corpus shares with another, such as `1 pair, 3 sources, 2 targets`."""
    return ", ".join(
        counted(number, noun)
        for number, noun in (
            (overlap.num_pairs, "pair"), (overlap.num_src, "source"), (overlap.num_tgt, "target")
        )
    )  # fmt: skip


def length_charts(reports: Sequence[CorpusReport]) -> list[tuple[str, list[tuple[str, Lengths]]]]:
    """Charts of the lengths of all corpora, for `regard.data.cleaning.histogram.draw_png`.

    Args:
        reports: Inspections of all corpora.

    Returns:
        For each corpus, its name, and for each side, the name of the side and its lengths in characters.
    """
    return [
        (report.source.name, [(name, side.characters) for name, side in zip(SIDES, report.sides, strict=True)])
        for report in reports
    ]


def _corpus_tree(report: CorpusReport, filters: Filters) -> dict[str, object]:
    return {
        "files": [str(path) for path in report.source.files],
        "format": report.format,
        "langs": report.langs,
        "langs_are_guessed": report.langs_are_guessed,
        "pairs": report.num_pairs,
        "left_out": dict(report.reading.left_out),
        "faults": report.reading.num_faults,
        "warnings": report.reading.direction_warnings(),
        "languages_in_file": dict(report.reading.languages),
        **{name: _side_tree(side) for name, side in zip(SIDES, report.sides, strict=True)},
        "findings": [_finding_tree(finding) for finding in report.findings],
        "model": None if report.model_finding is None else _finding_tree(report.model_finding),
        "overlaps": [
            {
                "files": [str(path) for path in overlap.other.files],
                "pairs": overlap.num_pairs,
                "sources": overlap.num_src,
                "targets": overlap.num_tgt,
                "examples": [_example_tree(reject) for reject in overlap.finding.examples],
            }
            for overlap in report.overlaps
        ],
        "not_checked": report.not_checked,
        "kept": report.num_kept,
        "command": clean_command(report, filters),
    }


def _side_tree(side: SideText) -> dict[str, object]:
    return {
        "language": side.language,
        "empty": side.num_empty,
        "distinct": side.num_distinct,
        "characters": _lengths_tree(side.characters),
        "words": _lengths_tree(side.words),
        "scripts": dict(side.scripts()),
        "languages": dict(side.languages),
    }


def _lengths_tree(lengths: Lengths) -> dict[str, object]:
    return {
        "mean": lengths.mean,
        "median": lengths.quantile(0.5),
        "p99": lengths.quantile(0.99),
        "max": lengths.maximum,
        "histogram": [[each.low, each.high, each.count] for each in lengths.bins()],
    }


def _finding_tree(finding: Finding) -> dict[str, object]:
    return {
        "name": finding.name,
        "finding": finding.finding,
        "threshold": finding.threshold,
        "pairs": finding.count,
        "examples": [_example_tree(reject) for reject in finding.examples],
    }


def _example_tree(reject: Reject) -> dict[str, object]:
    unit = reject.unit
    return {"line": unit.line, "score": reject.score, "source": unit.src, "target": unit.tgt}


def _count_lines(report: CorpusReport) -> Iterator[str]:
    yield f"  {report.num_pairs:>11,}  {plural(report.num_pairs, 'pair')}"
    for line in left_out_lines(report.reading):
        yield f"  {line.removeprefix('left out ')}, left out" if line.startswith("left out ") else f"  {line}"


def _side_lines(name: str, side: SideText) -> Iterator[str]:
    characters, words = side.characters, side.words
    yield ""
    language = "" if side.language is None else f" ({english_name(side.language)})"
    yield f"  {name}{language}: {side.num_distinct:,} different sentences, {side.num_empty:,} empty"
    yield (
        f"  characters: mean {characters.mean:.1f}, median {characters.quantile(0.5):,}, "
        f"99 % up to {characters.quantile(0.99):,}, longest {characters.maximum:,}; words: mean {words.mean:.1f}, "
        f"longest {words.maximum:,}"
    )
    for title, shares in (("scripts", side.scripts()), ("looks like", side.languages)):
        if shares:
            yield f"  {title}: {shares_text(shares)}"
    yield from (f"  {line}" for line in draw_text(characters.bins()))


def shares_text(shares: Sequence[tuple[str, float]]) -> str:
    """Shares as text; those below 0.5 % are added up as `other`.

    >>> shares_text([("Latin", 0.9961), ("Greek", 0.0039)])
    'Latin 99.6 %, other 0.4 %'
    """
    named = [(name, share) for name, share in shares if share >= _MIN_SHARE]
    other = 1 - sum(share for _, share in named)
    rest = [("other", other)] if other > 0.0005 else []  # what would be rounded to 0.0 %
    return ", ".join(f"{name} {100 * share:.1f} %" for name, share in [*named, *rest])


def _finding_lines(finding: Finding, num_pairs: int) -> Iterator[str]:
    limit = "" if finding.threshold is None else f" > {finding.threshold:g}"
    share = share_text(finding.count, num_pairs)
    yield f"  {finding.count:>11,}  {share:>7}  {finding.name}{limit}: {finding.finding}"
    yield from _example_lines(finding.examples)


def _example_lines(rejects: Sequence[Reject]) -> Iterator[str]:
    for reject in rejects[:_NUM_SHOWN]:
        yield f"                 line {reject.unit.line}: {shown(reject.unit.src)} | {shown(reject.unit.tgt)}"


def share_text(number: int, total: int) -> str:
    """A share in percent.

    Args:
        number: Number of pairs.
        total: Number of all pairs; if it is 0, the share is 0.

    Returns:
        The share with two decimals and a percent sign.

    >>> share_text(1, 8)
    '12.50 %'
    """
    return f"{100 * number / max(total, 1):.2f} %"
