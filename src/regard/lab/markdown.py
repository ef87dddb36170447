"""The report as Markdown: the same tables, for a repository or a paper's appendix."""

from __future__ import annotations

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


def render_markdown(summary: Summary) -> str:
    """Writes the report.

    Args:
        summary: What it says.

    Returns:
        A Markdown document.
    """
    lab = summary.bench.lab
    parts = [f"# {lab.title}", lab.about.strip()]
    parts.append(findings.bullets([f"**{name}:** {value}" for name, value in findings.facts(summary)]))
    parts += ["## Result", findings.bullets(findings.headlines(summary)), _table(scores_table(summary))]
    parts += ["### BLEU of each seed", _table(seeds_table(summary))]
    parts += ["## BLEU by source length", _table(lengths_table(summary))]
    parts += ["## Recall of target words by frequency, percent", _table(frequencies_table(summary))]
    if summary.distances:
        parts += ["## Gradient norm by distance", _table(distances_table(summary))]
    parts += ["## Attention", _table(attention_table(summary))]
    parts += ["## Cost", _table(costs_table(summary))]
    parts += ["## How it was measured", "\n\n".join(findings.method(summary))]
    if summary.notes:
        parts.append(findings.bullets(summary.notes))
    parts.append(f"```toml\n{dump_lab(lab)}```")
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(table: Table) -> str:
    lines = [table.header, ["---", *["---:"] * (len(table.header) - 1)], *table.rows]
    return "\n".join(f"| {' | '.join(_cell(one) for one in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace(" *", " \\*")
