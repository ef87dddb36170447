"""Draws a sentence's attention as a small heat map in inline SVG, to show several systems side by side."""

from __future__ import annotations

import html

from regard.inspection.labels import replace_controls
from regard.inspection.record import Grid

_MAX_LABEL = 14
_LETTER_WIDTH = 6.8
"""Approximate width of a label's letter in pixels."""
_SIDE = 230.0
"""Pixels along the longer side of a matrix."""


def draw_matrix(grid: Grid, *, label: str) -> str:
    """Draws an attention matrix as a heat map with one row per target word and one column per source word.

    Args:
        grid: Attention weights with labels, as from `AttentionRecord.grid`.
        label: Description of the picture for screen readers.

    Returns:
        An `svg` element; the report's style sheet gives the colors.
    """
    rows = [_shortened(text) for text in grid.tgt_labels]
    columns = [_shortened(text) for text in grid.src_labels]
    cell = max(9.0, min(26.0, _SIDE / max(len(columns), len(rows), 1)))
    left = _LETTER_WIDTH * max(map(len, rows), default=1) + 8
    top = _LETTER_WIDTH * 0.75 * max(map(len, columns), default=1) + 14
    width = left + cell * len(columns) + _LETTER_WIDTH * 0.75 * len(columns[-1] if columns else "") + 6
    height = top + cell * len(rows) + 2
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:{width:.0f}px"'
    parts = [f'<svg class="matrix" {size} role="img" aria-label="{html.escape(label)}">']
    for column, name in enumerate(columns):
        x = left + cell * (column + 0.5)
        parts.append(f'<text transform="translate({x:.1f} {top - 5:.1f}) rotate(-48)">{html.escape(name)}</text>')
    for row, (name, weights) in enumerate(zip(rows, grid.weights.tolist(), strict=True)):
        y = top + cell * row
        parts.append(
            f'<text x="{left - 5:.1f}" y="{y + cell / 2 + 3.5:.1f}" text-anchor="end">{html.escape(name)}</text>'
        )
        for column, weight in enumerate(weights):
            tooltip = html.escape(f"{name} \u2192 {columns[column]}: {weight:.0%}")
            parts.append(
                f'<rect x="{left + cell * column:.1f}" y="{y:.1f}" width="{cell - 1:.1f}" height="{cell - 1:.1f}" '
                f'style="--w:{100 * min(1.0, weight):.0f}%"><title>{tooltip}</title></rect>'
            )
    return "".join([*parts, "</svg>"])


def _shortened(text: str) -> str:
    shown = replace_controls(text)
    return shown if len(shown) <= _MAX_LABEL else f"{shown[: _MAX_LABEL - 1]}\u2026"
