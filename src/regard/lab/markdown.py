"""Renders the report as Markdown, with the tables of the HTML report, for a repository or a paper's appendix."""

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
# The TOML of a lab contains these characters only in strings, where the escapes mean the same.


def render_markdown(summary: Summary) -> str:
    """Renders the report of a lab as Markdown.

    Args:
        summary: Contents of the report.

    Returns:
        A Markdown document.
    """
    lab = summary.experiment.lab
    parts = [f"# {_plain(on_one_line(lab.title))}", _plain(lab.about.strip())]
    parts.append(findings.bullets([f"**{name}:** {_plain(value)}" for name, value in findings.facts(summary)]))
    parts += [
        "## Result",
        findings.bullets(list(map(_plain, findings.headlines(summary)))),
        _table(scores_table(summary)),
    ]
    parts += ["### BLEU of each seed", _table(seeds_table(summary))]
    parts += ["## BLEU by source length", _table(lengths_table(summary))]
    parts += ["## Recall of target words by their frequency, in percent", _table(frequencies_table(summary))]
    if summary.distances:
        parts += ["## Gradient norm by distance", _table(distances_table(summary))]
    parts += ["## Attention", _table(attention_table(summary))]
    parts += ["## Cost", _table(costs_table(summary))]
    parts += ["## Method", "\n\n".join(findings.method(summary))]
    if summary.notes:
        parts.append(findings.bullets(list(map(_plain, summary.notes))))
    parts.append(_fenced(dump_lab(lab)))
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(table: Table) -> str:
    lines = [table.header, ["---", *["---:"] * (len(table.header) - 1)], *table.rows]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)


def _cell(text: str) -> str:
    return _plain(on_one_line(text)).replace("|", "\\|").replace(" *", " \\*")


def _plain(text: str) -> str:
    """Escapes text so that it contains no HTML, link, picture or terminal control character."""
    return printable(text).translate(_ENTITIES)


def _fenced(text: str) -> str:
    """Puts TOML into a code block that no text can close; a reader that ignores code blocks finds no HTML in it."""
    return f"```toml\n{text.translate(_IN_STRINGS)}```"
