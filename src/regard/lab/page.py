"""The report as one self-contained HTML file: nothing is fetched, and only the attention views hold a script.

Names and sentences come from outside and may hold anything: all of them are escaped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from regard.files.printable import printable
from regard.inspection.html import render_iframe
from regard.lab import findings
from regard.lab.chart import Axes, Line, axes_for, draw, interval, marker
from regard.lab.compare import Value
from regard.lab.load import dump_lab
from regard.lab.matrix import draw_matrix
from regard.lab.summary import FEWEST, Bucket, Curve, Summary
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

_COLORS = 8


def render_page(summary: Summary) -> str:
    """Writes the report.

    Args:
        summary: What it says.

    Returns:
        A whole HTML document.
    """
    lab, styles = summary.bench.lab, _Styles(summary.systems)
    enough = [bucket for bucket in summary.lengths if bucket.size >= FEWEST]
    filled = {
        "title": _text(lab.title),
        "about": _text(lab.about.strip()),
        "styles": styles.sheet(),
        "facts": "".join(
            f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in findings.facts(summary)
        ),
        "headlines": "".join(f"<li>{_text(line)}</li>" for line in findings.headlines(summary)),
        "scores": _scores(summary),
        "seeds": _table(seeds_table(summary)),
        "learning": _learning(summary, styles),
        "length": _figure("BLEU by source length", *_of_buckets(enough, "source words", "BLEU", styles)),
        "lengths": _table(lengths_table(summary)),
        "frequency": _figure(
            "Recall of target words by their frequency in the training text",
            *_of_buckets(summary.frequencies, "times in the training text", "recall, %", styles),
        ),
        "frequencies": _table(frequencies_table(summary)),
        "gradient": _gradient(summary, styles),
        "distances": _table(distances_table(summary)),
        "spread": _spread(summary, styles),
        "attention": _table(attention_table(summary)),
        "matrices": "".join(_matrices(summary)),
        "costs": _table(costs_table(summary)),
        "method": "".join(f"<p>{_text(one)}</p>" for one in findings.method(summary)),
        "notes": "".join(f"<li>{_text(one)}</li>" for one in summary.notes),
        "lab": _text(dump_lab(lab)),
    }
    template = files(__package__).joinpath("report.html").read_text(encoding="utf-8")
    # One pass: what is filled in is not searched for places to fill in.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: filled[match[1]], template)


class _Styles:
    """Families of systems, and a color for each name within them."""

    def __init__(self, systems: Sequence[str]) -> None:
        self.families: dict[str, list[str]] = {}
        for name in systems:
            family, slash, _ = name.rpartition("/")
            self.families.setdefault(family if slash else "", []).append(name)
        self.alone = self.families.pop("", []) if len(self.families) > 1 or "" not in self.families else []
        labels = [self.label(name) for one in self.families.values() for name in one]
        self.numbers = {label: number for number, label in enumerate(dict.fromkeys([*labels, *self.alone]))}

    @staticmethod
    def label(name: str) -> str:
        """What a system is called within its family."""
        return name.rpartition("/")[2]

    def number(self, name: str) -> int:
        """The style of a system."""
        return self.numbers[self.label(name)]

    def sheet(self) -> str:
        """Colors of the styles, and what happens to the others while a name is pointed at."""
        rules = []
        for number in self.numbers.values():
            rules.append(f".k{number} {{ --c: var(--s{number % _COLORS}); }}")
            rules.append(f"figure:has(.key.k{number}:hover) .chart > g:not(.k{number}) {{ opacity: .1; }}")
        return "\n".join(rules)

    def lines(self, points: Mapping[str, Sequence[tuple[float, ...]]]) -> list[tuple[str, list[Line]]]:
        """A panel a family; a system without one is drawn quietly in each.

        Args:
            points: By system; systems without any are left out.

        Returns:
            Titles and lines.
        """
        quiet = [Line(name, self.number(name), points[name], quiet=True) for name in self.alone if name in points]
        panels = []
        for family, names in self.families.items():
            own = [Line(self.label(name), self.number(name), points[name]) for name in names if name in points]
            if own:
                panels.append((family, own + quiet))
        return panels or [("", [Line(one.name, one.style, one.points) for one in quiet])]


Panels = list[tuple[str, list[Line]]]


def _scores(summary: Summary) -> str:
    """The main table: a score and its difference in one cell, and BLEU's interval drawn."""
    table, values = scores_table(summary), summary.values["BLEU"]
    ends = [
        end for one in values.values() for end in (one.score - one.margin, one.score + one.margin, *one.seeds.values())
    ]
    scale, against = (min(ends), max(ends)), values.get(summary.bench.lab.baseline)
    head = [f"<th>{_text(name)}</th>" for name in (table.header[0], *table.header[1::2])]
    head.insert(2, '<th class="wide">95 % interval; dots are seeds</th>')
    rows: dict[str, list[str]] = {}
    for name, row in zip(summary.systems, table.rows, strict=True):
        cells = [f"<th>{_text(row[0])}</th>"]
        cells += [f"<td>{_text(own)}{_apart(delta)}</td>" for own, delta in zip(row[1::2], row[2::2], strict=True)]
        one = values[name]
        drawn = interval(one.score, one.margin, one.seeds.values(), scale, against.score if against else one.score)
        cells.insert(2, f'<td class="wide">{drawn}</td>')
        marked = " class=baseline" if name == summary.bench.lab.baseline else ""
        rows.setdefault(name.rpartition("/")[0], []).append(f"<tr{marked}>{''.join(cells)}</tr>")
    bodies = "".join(f"<tbody class=family>{''.join(one)}</tbody>" for one in rows.values())
    return f"<table><thead><tr>{''.join(head)}</tr></thead>{bodies}</table>"


def _apart(delta: str) -> str:
    return f"<small{' class=star' if delta.endswith('*') else ''}>{_text(delta) or '&nbsp;'}</small>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{_text(name)}</th>" for name in table.header)
    rows = "".join(
        f"<tr><th>{_text(row[0])}</th>{''.join(f'<td>{_text(cell)}</td>' for cell in row[1:])}</tr>"
        for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _figure(title: str, panels: Panels, axes: Axes) -> str:
    """Charts side by side with one legend."""
    if not any(line.points for _, lines in panels for line in lines):
        return ""
    keys = dict.fromkeys((line.name, line.style, line.quiet) for _, lines in panels for line in lines)
    legend = "".join(_key(*key) for key in keys)
    charts = "".join(_panel(family, draw(lines, axes, label=f"{title} {family}")) for family, lines in panels)
    wide = " class=wide" if len(panels) > 1 else ""
    inside = f"<figcaption>{_text(title)}</figcaption><div class=legend>{legend}</div><div class=panels>{charts}</div>"
    return f"<figure{wide}>{inside}</figure>"


def _key(name: str, style: int, quiet: bool) -> str:
    sign = f'<svg viewBox="0 0 16 16">{marker(style)}</svg>'
    return f'<span class="key k{style}{" quiet" if quiet else ""}">{sign}{_text(name)}</span>'


def _panel(family: str, chart: str) -> str:
    return f'<div class="panel">{f"<h4>{_text(family)}</h4>" if family else ""}{chart}</div>'


def _of_curves(curves: Mapping[str, Curve], x_label: str, y_label: str, styles: _Styles) -> tuple[Panels, Axes]:
    panels = styles.lines(curves)
    return panels, axes_for(_all(panels), x_label=x_label, y_label=y_label)


def _of_buckets(
    buckets: Sequence[Bucket], x_label: str, y_label: str, styles: _Styles, *, logarithmic: bool = False
) -> tuple[Panels, Axes]:
    points: dict[str, list[tuple[float, ...]]] = {}
    for place, bucket in enumerate(buckets):
        for name, value in bucket.values.items():
            if isinstance(value, Value):
                point = (place, value.score, max(0.0, value.score - value.margin), value.score + value.margin)
                points.setdefault(name, []).append(point)
            else:
                points.setdefault(name, []).append((place, value))
    panels, names = styles.lines(points), [bucket.label for bucket in buckets]
    axes = axes_for(_all(panels), x_label=x_label, y_label=y_label, categories=names, logarithmic=logarithmic)
    return panels, axes


def _all(panels: Panels) -> list[Line]:
    return [line for _, lines in panels for line in lines]


def _learning(summary: Summary, styles: _Styles) -> str:
    drawn = (("BLEU by step", "updates"), ("BLEU by minute", "minutes of training"))
    return "".join(
        _figure(f"Validation BLEU by {x_label}", *_of_curves(summary.curves[name], x_label, "BLEU, greedy", styles))
        for name, x_label in drawn
    )


def _spread(summary: Summary, styles: _Styles) -> str:
    drawn = (
        ("sharpness", "Sharpness of attention while training", "1 = one position"),
        ("entropy", "Entropy of attention while training", "nats"),
    )
    return "".join(
        _figure(title, *_of_curves(summary.curves[name], "updates", y_label, styles)) for name, title, y_label in drawn
    )


def _gradient(summary: Summary, styles: _Styles) -> str:
    if not summary.distances:
        return "<p>No test sentence is long enough to measure gradients by distance.</p>"
    panels, axes = _of_buckets(summary.distances, "recurrent steps apart", "median norm", styles, logarithmic=True)
    return _figure("Gradient from a target word to its source word, by distance", panels, axes)


def _matrices(summary: Summary) -> Iterator[str]:
    """Attention of every system for the same sentences, small; and the interactive view of each."""
    for records in summary.attention():
        any_record = next(iter(records.values()))
        yield f'<h3 class="pair">{_text(any_record.src.text)}<br><span>{_text(any_record.tgt.text)}</span></h3>'
        yield '<div class="matrices">'
        for name, record in records.items():
            read = summary.results[name][0].measured
            grid = record.grid(read.layer, read.head)
            yield f"<div><h4>{_text(name)}</h4>{draw_matrix(grid, label=f'Attention of {name}')}</div>"
        yield "</div>"
    for name, cells in summary.results.items():
        drawn = cells[0].measured.records()
        if drawn:
            view = render_iframe(drawn, title=name).replace("<iframe ", '<iframe loading="lazy" ', 1)
            yield f"<details><summary>All layers and heads of {_text(name)}, to point at</summary>{view}</details>"


def _text(text: str) -> str:
    return html.escape(printable(text))
