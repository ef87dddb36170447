"""The report as Markdown: the same tables, for a repository or a paper's appendix."""

from __future__ import annotations

from regard.files.printable import on_one_line, printable
from regard.lab import findings
from regard.lab.load import dump_lab
from regard.lab.summary import Summary
from regard.lab.tables import (
    Table,
    attention_table,
    costs_table,
    distances_table,
    frequencies_table,
    lengths_table,
    scores_table,
    seeds_table,
)

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "[": "&#91;", "]": "&#93;", "`": "&#96;"})
_IN_STRINGS = str.maketrans({"<": "\\u003C", "`": "\\u0060"})
# They stand nowhere else in TOML that is written here.


def render_markdown(summary: Summary) -> str:
    """Writes the report.

    Args:
        summary: What it says.

    Returns:
        A Markdown document.
    """
    lab = summary.bench.lab
    parts = [f"# {_plain(on_one_line(lab.title))}", _plain(lab.about.strip())]
    parts.append(findings.bullets([f"**{name}:** {_plain(value)}" for name, value in findings.facts(summary)]))
    parts += [
        "## Result",
        findings.bullets(list(map(_plain, findings.headlines(summary)))),
        _table(scores_table(summary)),
    ]
    parts += ["### BLEU of each seed", _table(seeds_table(summary))]
    parts += ["## BLEU by source length", _table(lengths_table(summary))]
    parts += ["## Recall of target words by frequency, percent", _table(frequencies_table(summary))]
    if summary.distances:
        parts += ["## Gradient norm by distance", _table(distances_table(summary))]
    parts += ["## Attention", _table(attention_table(summary))]
    parts += ["## Cost", _table(costs_table(summary))]
    parts += ["## How it was measured", "\n\n".join(findings.method(summary))]
    if summary.notes:
        parts.append(findings.bullets(list(map(_plain, summary.notes))))
    parts.append(_fenced(dump_lab(lab)))
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(table: Table) -> str:
    lines = [table.header, ["---", *["---:"] * (len(table.header) - 1)], *table.rows]
    return "\n".join(f"| {' | '.join(_cell(one) for one in line)} |" for line in lines)


def _cell(text: str) -> str:
    return _plain(on_one_line(text)).replace("|", "\\|").replace(" *", " \\*")


def _plain(text: str) -> str:
    """Text that is only read: no HTML, no link and no picture, and nothing that a terminal obeys."""
    return printable(text).translate(_ENTITIES)


def _fenced(text: str) -> str:
    """TOML as a block of code that nothing within can close, nor be taken for HTML by whoever knows no such blocks."""
    return f"```toml\n{text.translate(_IN_STRINGS)}```"
