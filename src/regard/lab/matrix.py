"""Attention of several systems for one sentence, small and side by side, as inline SVG."""

from __future__ import annotations

import html

from regard.inspection.labels import replace_controls
from regard.inspection.record import Grid

_LONGEST = 14
_LETTER = 6.3
"""Pixels a letter of a label, about."""
_SIDE = 230.0


def draw_matrix(grid: Grid, *, label: str) -> str:
    """A heat map: a row for each target word, a column for each source word.

    Args:
        grid: The matrix, as `AttentionRecord.grid` gives it.
        label: What it shows, for those who do not see it.

    Returns:
        An `svg` element colored by the page's style sheet.
    """
    rows, columns = [_short(one) for one in grid.tgt_labels], [_short(one) for one in grid.src_labels]
    cell = max(9.0, min(26.0, _SIDE / max(len(columns), len(rows), 1)))
    left = _LETTER * max(map(len, rows), default=1) + 8
    top = _LETTER * 0.75 * max(map(len, columns), default=1) + 14
    width = left + cell * len(columns) + _LETTER * 0.75 * len(columns[-1] if columns else "") + 6
    height = top + cell * len(rows) + 2
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:{width:.0f}px"'
    parts = [f'<svg class="matrix" {size} role="img" aria-label="{html.escape(label)}">']
    for at, name in enumerate(columns):
        x = left + cell * (at + 0.5)
        parts.append(f'<text transform="translate({x:.1f} {top - 5:.1f}) rotate(-48)">{html.escape(name)}</text>')
    for at, (name, weights) in enumerate(zip(rows, grid.weights.tolist(), strict=True)):
        y = top + cell * at
        parts.append(
            f'<text x="{left - 5:.1f}" y="{y + cell / 2 + 3.5:.1f}" text-anchor="end">{html.escape(name)}</text>'
        )
        for place, weight in enumerate(weights):
            told = html.escape(f"{name} \u2192 {columns[place]}: {weight:.0%}")
            parts.append(
                f'<rect x="{left + cell * place:.1f}" y="{y:.1f}" width="{cell - 1:.1f}" height="{cell - 1:.1f}" '
                f'style="--w:{100 * min(1.0, weight):.0f}%"><title>{told}</title></rect>'
            )
    return "".join([*parts, "</svg>"])


def _short(text: str) -> str:
    shown = replace_controls(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}\u2026"
