"""Renders the report as one self-contained HTML file, which loads no other files.

Names and sentences come from users and may contain anything, so all of them are escaped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from regard.files.printable import printable
from regard.inspection.html import render_iframe
from regard.lab import findings
from regard.lab.chart import Axes, Line, axes_for, draw_chart, draw_interval, draw_marker
from regard.lab.compare import PooledScore
from regard.lab.load import dump_lab
from regard.lab.matrix import draw_matrix
from regard.lab.summary import MIN_SIZE, Bucket, Curve, Summary
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
Panels = list[tuple[str, list[Line]]]
"""Name of a family of systems (systems with names `family/label`) and its curves, for each chart of a figure."""


def render_page(summary: Summary) -> str:
    """Renders the report of a lab as HTML.

    Args:
        summary: Contents of the report.

    Returns:
        A complete HTML document.
    """
    lab, styles = summary.experiment.lab, _Styles(summary.systems)
    shown_lengths = [bucket for bucket in summary.lengths if bucket.size >= MIN_SIZE]
    fields = {
        "title": _text(lab.title),
        "about": _text(lab.about.strip()),
        "styles": styles.sheet(),
        "facts": "".join(
            f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in findings.facts(summary)
        ),
        "headlines": "".join(f"<li>{_text(line)}</li>" for line in findings.headlines(summary)),
        "scores": _scores(summary),
        "seeds": _table(seeds_table(summary)),
        "learning": _learning_curves(summary, styles),
        "length": _figure("BLEU by source length", *_bucket_panels(shown_lengths, "source words", "BLEU", styles)),
        "lengths": _table(lengths_table(summary)),
        "frequency": _figure(
            "Recall of target words by their frequency in the training text",
            *_bucket_panels(summary.frequencies, "occurrences in the training text", "recall, %", styles),
        ),
        "frequencies": _table(frequencies_table(summary)),
        "gradient": _gradient_figure(summary, styles),
        "distances": _table(distances_table(summary)),
        "attention_figures": _attention_figures(summary, styles),
        "attention": _table(attention_table(summary)),
        "matrices": "".join(_matrices(summary)),
        "costs": _table(costs_table(summary)),
        "method": "".join(f"<p>{_text(paragraph)}</p>" for paragraph in findings.method(summary)),
        "notes": "".join(f"<li>{_text(note)}</li>" for note in summary.notes),
        "lab": _text(dump_lab(lab)),
    }
    template = files(__package__).joinpath("report.html").read_text(encoding="utf-8")
    # One pass, so that placeholders inside the inserted text are not replaced.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: fields[match[1]], template)


class _Styles:
    """The color and marker (style) of each system in the charts of a report.

    A name may have the form `family/label`. Systems of one family share a chart, and equal labels have the same style.
    """

    def __init__(self, systems: Sequence[str]) -> None:
        self.families: dict[str, list[str]] = {}
        for name in systems:
            family, slash, _ = name.rpartition("/")
            self.families.setdefault(family if slash else "", []).append(name)
        self.alone = self.families.pop("", []) if len(self.families) > 1 or "" not in self.families else []
        labels = [self.label(name) for names in self.families.values() for name in names]
        self.numbers = {label: number for number, label in enumerate(dict.fromkeys([*labels, *self.alone]))}

    @staticmethod
    def label(name: str) -> str:
        """The part of a system's name after the last `/`, such as `dot` of `luong/dot`."""
        return name.rpartition("/")[2]

    def number(self, name: str) -> int:
        """Number of the style (color and marker) in which a system is drawn in all charts.

        Args:
            name: Name of the system.

        Returns:
            The number, from 0, as in the CSS class `k0`, `k1`, ... Systems whose names are equal after the last `/`,
            such as `luong/dot` and `bahdanau/dot`, have the same number.
        """
        return self.numbers[self.label(name)]

    def sheet(self) -> str:
        """CSS with the colors of the styles; pointing at a name in a legend fades the other lines."""
        rules = []
        for number in self.numbers.values():
            rules.append(f".k{number} {{ --c: var(--s{number % _COLORS}); }}")
            rules.append(f"figure:has(.key.k{number}:hover) .chart > g:not(.k{number}) {{ opacity: .1; }}")
        return "\n".join(rules)

    def panels(self, points: Mapping[str, Sequence[tuple[float, ...]]]) -> Panels:
        """Groups curves into one chart (panel) per family of systems, whose names are `family/label`.

        Systems without a family are drawn in every chart, dashed and behind the others, for comparison.

        Args:
            points: Points of each system's curve, by name of the system; systems without points are left out.

        Returns:
            Name of the family and curves of each chart.
        """
        quiet = [Line(name, self.number(name), points[name], quiet=True) for name in self.alone if name in points]
        panels = []
        for family, names in self.families.items():
            lines = [Line(self.label(name), self.number(name), points[name]) for name in names if name in points]
            if lines:
                panels.append((family, lines + quiet))
        return panels or [("", [Line(line.name, line.style, line.points) for line in quiet])]


def _scores(summary: Summary) -> str:
    """The main table: score and difference share a cell, and BLEU's interval is drawn."""
    table, scores = scores_table(summary), summary.scores["BLEU"]
    ends = [
        end
        for score in scores.values()
        for end in (score.score - score.margin, score.score + score.margin, *score.seeds.values())
    ]
    scale, baseline = (min(ends), max(ends)), scores.get(summary.experiment.lab.baseline)
    head = [f"<th>{_text(name)}</th>" for name in (table.header[0], *table.header[1::2])]
    head.insert(2, '<th class="wide">95 % interval; dots: single seeds</th>')
    rows: dict[str, list[str]] = {}
    for name, row in zip(summary.systems, table.rows, strict=True):
        cells = [f"<th>{_text(row[0])}</th>"]
        cells += [
            f"<td>{_text(score)}{_difference(delta)}</td>" for score, delta in zip(row[1::2], row[2::2], strict=True)
        ]
        bleu = scores[name]
        against = baseline.score if baseline else bleu.score
        drawing = draw_interval(bleu.score, bleu.margin, bleu.seeds.values(), scale, against)
        cells.insert(2, f'<td class="wide">{drawing}</td>')
        css_class = " class=baseline" if name == summary.experiment.lab.baseline else ""
        rows.setdefault(name.rpartition("/")[0], []).append(f"<tr{css_class}>{''.join(cells)}</tr>")
    bodies = "".join(f"<tbody class=family>{''.join(family)}</tbody>" for family in rows.values())
    return f"<table><thead><tr>{''.join(head)}</tr></thead>{bodies}</table>"


def _difference(delta: str) -> str:
    return f"<small{' class=star' if delta.endswith('*') else ''}>{_text(delta) or '&nbsp;'}</small>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{_text(name)}</th>" for name in table.header)
    rows = "".join(
        f"<tr><th>{_text(row[0])}</th>{''.join(f'<td>{_text(cell)}</td>' for cell in row[1:])}</tr>"
        for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _figure(title: str, panels: Panels, axes: Axes) -> str:
    """Charts side by side with one legend; empty without points."""
    if not any(line.points for _, lines in panels for line in lines):
        return ""
    keys = dict.fromkeys((line.name, line.style, line.quiet) for _, lines in panels for line in lines)
    legend = "".join(_key(*key) for key in keys)
    charts = "".join(_panel(family, draw_chart(lines, axes, label=f"{title} {family}")) for family, lines in panels)
    wide = " class=wide" if len(panels) > 1 else ""
    content = f"<figcaption>{_text(title)}</figcaption><div class=legend>{legend}</div><div class=panels>{charts}</div>"
    return f"<figure{wide}>{content}</figure>"


def _key(name: str, style: int, quiet: bool) -> str:
    symbol = f'<svg viewBox="0 0 16 16">{draw_marker(style)}</svg>'
    return f'<span class="key k{style}{" quiet" if quiet else ""}">{symbol}{_text(name)}</span>'


def _panel(family: str, chart: str) -> str:
    return f'<div class="panel">{f"<h4>{_text(family)}</h4>" if family else ""}{chart}</div>'


def _curve_panels(curves: Mapping[str, Curve], x_label: str, y_label: str, styles: _Styles) -> tuple[Panels, Axes]:
    panels = styles.panels(curves)
    return panels, axes_for(_all_lines(panels), x_label=x_label, y_label=y_label)


def _bucket_panels(
    buckets: Sequence[Bucket], x_label: str, y_label: str, styles: _Styles, *, logarithmic: bool = False
) -> tuple[Panels, Axes]:
    points: dict[str, list[tuple[float, ...]]] = {}
    for position, bucket in enumerate(buckets):
        for name, value in bucket.values.items():
            if isinstance(value, PooledScore):
                point = (position, value.score, max(0.0, value.score - value.margin), value.score + value.margin)
                points.setdefault(name, []).append(point)
            else:
                points.setdefault(name, []).append((position, value))
    panels, names = styles.panels(points), [bucket.label for bucket in buckets]
    axes = axes_for(_all_lines(panels), x_label=x_label, y_label=y_label, categories=names, logarithmic=logarithmic)
    return panels, axes


def _all_lines(panels: Panels) -> list[Line]:
    return [line for _, lines in panels for line in lines]


def _learning_curves(summary: Summary, styles: _Styles) -> str:
    curves = (("BLEU by step", "updates"), ("BLEU by minute", "minutes of training"))
    return "".join(
        _figure(
            f"Validation BLEU by {x_label}",
            *_curve_panels(summary.curves[name], x_label, "BLEU, greedy search", styles),
        )
        for name, x_label in curves
    )


def _attention_figures(summary: Summary, styles: _Styles) -> str:
    curves = (
        ("sharpness", "Sharpness of attention during training", "1 = a single position"),
        ("entropy", "Entropy of attention during training", "nats"),
    )
    return "".join(
        _figure(title, *_curve_panels(summary.curves[name], "updates", y_label, styles))
        for name, title, y_label in curves
    )


def _gradient_figure(summary: Summary, styles: _Styles) -> str:
    if not summary.distances:
        return "<p>Not measured: measure.gradients is 0, or the test text has too few long sentences.</p>"
    panels, axes = _bucket_panels(
        summary.distances, "distance in recurrent steps", "median norm", styles, logarithmic=True
    )
    return _figure("Gradient from a target word to its source word, by distance", panels, axes)


def _matrices(summary: Summary) -> Iterator[str]:
    """Small heat maps of all systems for the same sentences, then the interactive view of each system."""
    for records in summary.attention():
        any_record = next(iter(records.values()))
        yield f'<h3 class="pair">{_text(any_record.src.text)}<br><span>{_text(any_record.tgt.text)}</span></h3>'
        yield '<div class="matrices">'
        for name, record in records.items():
            measured = summary.results[name][0].measured
            grid = record.grid(measured.layer, measured.head)
            yield f"<div><h4>{_text(name)}</h4>{draw_matrix(grid, label=f'Attention of {name}')}</div>"
        yield "</div>"
    for name, runs in summary.results.items():
        drawn = runs[0].measured.records()
        if drawn:
            view = render_iframe(drawn, title=name).replace("<iframe ", '<iframe loading="lazy" ', 1)
            yield f"<details><summary>Interactive view of all layers and heads: {_text(name)}</summary>{view}</details>"


def _text(text: str) -> str:
    return html.escape(printable(text))
