"""The report of an inspection as one self-contained HTML file, without scripts.

Names and sentences come from users and may contain anything, so all of them are escaped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from regard.data.cleaning.advice import MANY, clean_command
from regard.data.cleaning.filters import Filters
from regard.data.cleaning.histogram import Bin
from regard.data.cleaning.inspect import CorpusReport, Finding
from regard.data.cleaning.rejects import Reject
from regard.data.cleaning.report import (
    SIDES,
    advice_lines,
    nothing_found_lines,
    overlap_counts,
    share_text,
    shares_text,
)
from regard.data.cleaning.side_text import SideText
from regard.files.atomic import put_text, write_output
from regard.files.printable import counted, printable
from regard.text.languages import english_name

_WIDTH, _HEIGHT, _BASE = 400, 150, 126
# Size of a chart, and height of its axis from the top, in user units.
_MAX_SHOWN = 600
# Characters of a text that are shown in an example.
# What cannot be seen, such as control characters as `printable` escapes them, and replacement characters.
_HIDDEN = re.compile(r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\ufffd|[\u00ad\u200b-\u200f\u2060\ufeff]")


def write_page(path: Path, reports: Sequence[CorpusReport], filters: Filters) -> None:
    """Writes the report as HTML.

    Args:
        path: Path of the file.
        reports: Inspections of all corpora.
        filters: The checks.

    Raises:
        CheckpointError: The file cannot be written.
    """
    page = render_page(reports, filters)
    write_output(path, lambda temporary: put_text(temporary, page))


def render_page(reports: Sequence[CorpusReport], filters: Filters) -> str:
    """Renders the report as HTML.

    Args:
        reports: Inspections of all corpora.
        filters: The checks.

    Returns:
        A complete HTML document.
    """
    names = ", ".join(report.source.name for report in reports)
    pairs = sum(report.num_pairs for report in reports)
    kept = sum(report.num_kept for report in reports)
    fields = {
        "title": _text(f"Inspection of {names}"),
        "lead": _text(f"{counted(pairs, 'pair')}, of which cleaning would keep {kept:,} ({share_text(kept, pairs)})."),
        "corpora": "\n".join(_corpus(report, filters) for report in reports),
    }
    template = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    # One pass, so that placeholders inside the inserted text are not replaced.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: fields[match[1]], template)


def _corpus(report: CorpusReport, filters: Filters) -> str:
    by_model = [] if report.model_finding is None else [report.model_finding]
    findings = [*report.findings, *by_model, *(overlap.finding for overlap in report.overlaps)]
    return "\n".join(
        (
            f"<section><h2>{_text(report.source.name)}</h2>",
            f"<dl>{''.join(_facts(report))}</dl>",
            f'<div class="figures">{"".join(map(_figure, SIDES, report.sides))}</div>',
            "<h3>Pairs that look wrong</h3>",
            *(_finding(finding, report.num_pairs) for finding in findings if finding.count),
            *(f'<p class="lead">{_text(line)}</p>' for line in nothing_found_lines(report)),
            "<h3>What cleaning would do</h3>",
            *(f"<p>{_text(line)}</p>" for line in advice_lines(report)),
            f"<pre>{_text(clean_command(report, filters))}</pre></section>",
        )
    )


def _facts(report: CorpusReport) -> Iterator[str]:
    reading = report.reading
    facts = [("format", report.format), ("pairs", f"{report.num_pairs:,}")]
    facts += [(f"left out: {reason}", f"{count:,}") for reason, count in sorted(reading.left_out.items())]
    if reading.num_faults:
        facts.append(("faulty units", f"{reading.num_faults:,}, such as {reading.faults[0]}"))
    facts += [("warning", warning) for warning in reading.direction_warnings()]
    for name, side in zip(SIDES, report.sides, strict=True):
        facts.append((f"different {name} sentences", f"{side.num_distinct:,}"))
    for overlap in report.overlaps:
        counts = overlap_counts(overlap)
        facts.append((f"in {overlap.other.name} as well", counts))
    for name, value in facts:
        yield f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>"


def _figure(name: str, side: SideText) -> str:
    language = "" if side.language is None else f" ({english_name(side.language)})"
    characters = side.characters
    lines = [f"{side.num_empty:,} empty; on average {side.words.mean:.1f} words, {characters.mean:.1f} characters."]
    lines.append(f"Characters: median {characters.quantile(0.5):,}, longest {characters.maximum:,}.")
    if side.letters:
        lines.append(f"Scripts: {shares_text(side.scripts())}.")
    if side.languages:
        lines.append(f"Sentences look like: {shares_text(side.languages)}.")
    return (
        f"<figure><figcaption>Length of {_text(name)} sentences{_text(language)}, in characters</figcaption>"
        f"{_chart(name, characters.bins())}{''.join(f'<p>{_text(line)}</p>' for line in lines)}</figure>"
    )


def _chart(name: str, bins: Sequence[Bin]) -> str:
    most = max((each.count for each in bins), default=0) or 1
    step = _WIDTH / max(len(bins), 1)
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Histogram of lengths">']
    parts.append(f'<g class="{name}">')
    for index, each in enumerate(bins):
        height = max(round((_BASE - 18) * each.count / most, 1), 1 if each.count else 0)
        left = index * step
        parts.append(
            f'<rect x="{left + 2:.1f}" y="{_BASE - height:.1f}" width="{step - 4:.1f}" height="{height}" rx="2">'
            f"<title>{each.label}: {each.count:,}</title></rect>"
            f'<text x="{left + step / 2:.1f}" y="{_BASE + 15}" text-anchor="middle">{_axis_label(each)}</text>'
        )
    parts.append(f'</g><text x="2" y="11">{most:,}</text></svg>')
    return "".join(parts)


def _axis_label(each: Bin) -> str:
    return f"{each.low}+" if each.high is None else str(each.low)


def _finding(finding: Finding, num_pairs: int) -> str:
    limit = "" if finding.threshold is None else f", score above {finding.threshold:g}"
    style = "many" if finding.count > MANY * num_pairs else ""
    rows = "".join(map(_example, finding.examples))
    head = '<tr><th class="place">line</th><th>source</th><th>target</th></tr>'
    table = f"<table>{head}{rows}</table>" if rows else ""
    return (
        f'<details class="{style}"><summary><span class="count">{finding.count:,}</span>'
        f'<span class="share">{share_text(finding.count, num_pairs)}</span>'
        f'<span class="name">{_text(finding.name)}</span>'
        f'<span class="finding">{_text(finding.finding + limit)}</span></summary>{table}</details>'
    )


def _example(reject: Reject) -> str:
    unit = reject.unit
    return (
        f'<tr><td class="place">{unit.line:,}<br>score&nbsp;{reject.score:.3g}</td>'
        f'<td dir="auto">{_sentence(unit.src)}</td><td dir="auto">{_sentence(unit.tgt)}</td></tr>'
    )


def _sentence(text: str) -> str:
    """A sentence in which characters that cannot be seen are marked."""
    short = text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
    return _HIDDEN.sub(lambda match: f"<mark>{_visible(match[0])}</mark>", _text(short))


def _visible(hidden: str) -> str:
    return hidden if len(hidden) > 1 or hidden == "\ufffd" else f"U+{ord(hidden):04X}"


def _text(text: str) -> str:
    return html.escape(printable(text))
