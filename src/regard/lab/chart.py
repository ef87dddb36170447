"""Draws charts as inline SVG: curves and intervals, with colors and markers from the report's style sheet."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

WIDTH, HEIGHT = 340, 232
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 22, 10, 40
_RAISED = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
_MARKERS = ("circle", "square", "triangle", "diamond", "cross", "down")


@dataclass(frozen=True)
class Line:
    """A curve of one system in a chart.

    Attributes:
        name: Name of the system.
        style: Number of the curve's color and marker in the report's style sheet, counted from 0.
        points: Points of the curve, `(x, y)`, or `(x, y, low, high)` with an interval of y.
        quiet: Whether to draw the curve dashed and behind the other curves, as a reference only.
    """

    name: str
    style: int
    points: Sequence[tuple[float, ...]]
    quiet: bool = False


@dataclass(frozen=True)
class Axes:
    """Axes of a chart, or of several charts that are shown side by side.

    Attributes:
        x_label: Label of the x axis.
        y_label: Label of the y axis.
        categories: Names of the positions 0, 1, ... on the x axis; None = the x axis shows numbers.
        x_range: Smallest and largest x.
        y_range: Smallest and largest y.
        logarithmic: Whether the y axis is logarithmic.
    """

    x_label: str
    y_label: str
    categories: tuple[str, ...] | None
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    logarithmic: bool = False

    def x(self, value: float) -> float:
        """Converts an x value to pixels from the left."""
        low, high = self.x_range
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (value - low) / ((high - low) or 1.0)

    def y(self, value: float) -> float:
        """Converts a y value to pixels from the top."""
        low, high = self.y_range
        if self.logarithmic:
            low, high, value = log10(low), log10(high), log10(max(value, low))
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * (value - low) / ((high - low) or 1.0)


def axes_for(
    lines: Sequence[Line],
    *,
    x_label: str,
    y_label: str,
    categories: Sequence[str] | None = None,
    logarithmic: bool = False,
) -> Axes:
    """Chooses axes whose ranges contain all points of some curves.

    Args:
        lines: Curves of all charts that will have these axes.
        x_label: Label of the x axis.
        y_label: Label of the y axis.
        categories: Names of the positions 0, 1, ... on the x axis; None = the x axis shows numbers.
        logarithmic: Whether the y axis is logarithmic.

    Returns:
        The axes; the y axis starts at 0 unless it is logarithmic.
    """
    xs = [point[0] for line in lines for point in line.points] or [0.0, 1.0]
    ys = [value for line in lines for point in line.points for value in point[1:] if isfinite(value)] or [0.0, 1.0]
    x_range = (-0.35, len(categories) - 0.65) if categories else (min(0.0, min(xs)), max(xs))
    if logarithmic:
        positive = [value for value in ys if value > 0] or [1.0]
        y_range = (10.0 ** floor(log10(min(positive))), 10.0 ** ceil(log10(max(positive))))
    else:
        y_range = (0.0, _ticks(0.0, max(max(ys), 1e-9))[-1])
    return Axes(x_label, y_label, tuple(categories) if categories else None, x_range, y_range, logarithmic)


def draw_chart(lines: Sequence[Line], axes: Axes, *, label: str) -> str:
    """Draws a chart of one or more curves.

    Args:
        lines: Curves of the chart; those with `Line.quiet` are drawn dashed and behind the others.
        axes: Axes of the chart.
        label: Description of the chart for screen readers.

    Returns:
        An `svg` element, in which each curve has the CSS class `k` and the number `Line.style`, such as `k0`.
    """
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(label)}">',
        *_draw_grid(axes),
    ]
    for line in sorted(lines, key=lambda line: not line.quiet):
        parts += _draw_line(line, axes)
    return "".join([*parts, "</svg>"])


def draw_marker(style: int, x: float = 8.0, y: float = 8.0) -> str:
    """Draws the marker of a curve's style, such as a circle, centered at a point.

    Args:
        style: Number of the curve's color and marker, `Line.style`.
        x: Horizontal position of the center, in pixels from the left.
        y: Vertical position of the center, in pixels from the top.

    Returns:
        An SVG element, which has the color of its parent element.
    """
    shapes = {
        "circle": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>',
        "square": f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6"/>',
        "triangle": _draw_polygon(x, y, ((0, -3.9), (3.8, 2.8), (-3.8, 2.8))),
        "diamond": _draw_polygon(x, y, ((0, -4.2), (3.9, 0), (0, 4.2), (-3.9, 0))),
        "cross": _draw_polygon(
            x, y, ((-1.2, -4), (1.2, -4), (1.2, -1.2), (4, -1.2), (4, 1.2), (1.2, 1.2), (1.2, 4), (-1.2, 4),
                   (-1.2, 1.2), (-4, 1.2), (-4, -1.2), (-1.2, -1.2)),
        ),
        "down": _draw_polygon(x, y, ((0, 3.9), (3.8, -2.8), (-3.8, -2.8))),
    }  # fmt: skip
    return shapes[_MARKERS[style % len(_MARKERS)]]


def draw_interval(
    score: float, margin: float, seeds: Iterable[float], scale: tuple[float, float], against: float
) -> str:
    """Draws a score with its confidence interval, single seeds as dots and the baseline as a dashed line.

    Args:
        score: Score of a system over all seeds.
        margin: Half of the width of the confidence interval.
        seeds: Score of each single seed.
        scale: Smallest and largest value of the horizontal axis.
        against: Score of the baseline.

    Returns:
        An `svg` element.
    """
    width, height = 270.0, 20.0
    low, high = scale

    def x(value: float) -> float:
        return 6 + (width - 12) * (value - low) / ((high - low) or 1.0)

    dots = "".join(f'<circle class="seed" cx="{x(seed):.1f}" cy="15" r="1.8"/>' for seed in seeds)
    return (
        f'<svg class="interval" viewBox="0 0 {width:g} {height:g}" aria-hidden="true">'
        f'<line class="against" x1="{x(against):.1f}" x2="{x(against):.1f}" y1="0" y2="{height:g}"/>'
        f'<line class="range" x1="{x(score - margin):.1f}" x2="{x(score + margin):.1f}" y1="8" y2="8"/>'
        f'<circle class="score" cx="{x(score):.1f}" cy="8" r="3.4"/>{dots}</svg>'
    )


def _draw_polygon(x: float, y: float, corners: Sequence[tuple[float, float]]) -> str:
    return f'<polygon points="{" ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)}"/>'


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers that cover the range."""
    step = 10.0 ** floor(log10((high - low) / 4))
    step = next(step * factor for factor in (1, 2, 2.5, 5, 10) if (high - low) / (step * factor) <= 6)
    return [step * number for number in range(floor(low / step), ceil(high / step) + 1)]


def _y_ticks(axes: Axes) -> list[float]:
    low, high = axes.y_range
    if axes.logarithmic:
        return [10.0**power for power in range(round(log10(low)), round(log10(high)) + 1)]
    return _ticks(low, high)


def _draw_grid(axes: Axes) -> list[str]:
    parts = []
    for value in _y_ticks(axes):
        y = axes.y(value)
        text = f"10{str(round(log10(value))).translate(_RAISED)}" if axes.logarithmic else f"{value:g}"
        parts.append(f'<line class="rule" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{text}</text>')
    for value, text in _x_ticks(axes):
        parts.append(
            f'<text class="tick" x="{axes.x(value):.1f}" y="{HEIGHT - _BOTTOM + 15}" text-anchor="middle">{text}</text>'
        )
    middle, center = (_LEFT + WIDTH - _RIGHT) / 2, (_TOP + HEIGHT - _BOTTOM) / 2
    parts.append(
        f'<text class="axis" x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{html.escape(axes.x_label)}</text>'
    )
    parts.append(
        f'<text class="axis" transform="translate(11 {center}) rotate(-90)" text-anchor="middle">'
        f"{html.escape(axes.y_label)}</text>"
    )
    return parts


def _x_ticks(axes: Axes) -> list[tuple[float, str]]:
    if axes.categories:
        return [(float(position), html.escape(name)) for position, name in enumerate(axes.categories)]
    low, high = axes.x_range
    return [(value, f"{value:,g}") for value in _ticks(low, high) if value <= high]


def _draw_line(line: Line, axes: Axes) -> list[str]:
    points = [point for point in line.points if all(map(isfinite, point))]
    if not points:
        return []
    pixels = [(axes.x(point[0]), axes.y(point[1])) for point in points]
    path = " L".join(f"{x:.1f},{y:.1f}" for x, y in pixels)
    parts = [f'<g class="k{line.style}{" quiet" if line.quiet else ""}">']
    if len(points[0]) == 4:
        upper = [f"{axes.x(point[0]):.1f},{axes.y(point[3]):.1f}" for point in points]
        lower = [f"{axes.x(point[0]):.1f},{axes.y(point[2]):.1f}" for point in reversed(points)]
        parts.append(f'<polygon class="band" points="{" ".join(upper + lower)}"/>')
    parts.append(f'<path d="M{path}"/>')
    for (x, y), point in zip(pixels, points, strict=True):
        name = axes.categories[round(point[0])] if axes.categories else f"{point[0]:,.4g}"
        tooltip = html.escape(f"{line.name}, {name}: {point[1]:.4g}")
        parts.append(f'<g class="point"><title>{tooltip}</title>{draw_marker(line.style, x, y)}</g>')
    return [*parts, "</g>"]
