"""Heat maps for the terminal, in block characters that are readable without color.

The labels of a short source are arranged above their columns as a staircase. A long source has one character per word,
or per several words, under a ruler. Each row ends with its most attended source word.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from regard.inspection.labels import replace_controls
from regard.inspection.record import AttentionRecord, Grid, Level

_SHADES = ((0.7, "█"), (0.4, "▓"), (0.2, "▒"), (0.05, "░"), (0.0, "·"))
_TINT, _FAINT = "#4c8fd0", "dim"
_MAX_LABEL, _MAX_STAIRCASE, _MARGIN = 16, 24, 7  # margin: two spaces before a label, ` 100%` after it


@dataclass(frozen=True, slots=True)
class _Layout:
    """Layout of the picture, in terminal cells.

    Attributes:
        label: Width of the row labels.
        cell: Width of one matrix column.
        columns: Number of matrix columns.
        strongest: Width of the most attended word at the end of a row.
    """

    label: int
    cell: int
    columns: int
    strongest: int

    @classmethod
    def fit(cls, grid: Grid, width: int) -> _Layout:
        label = min(_MAX_LABEL, max(1, width // 4), max((_width(name) for name in grid.tgt_labels), default=1))
        strongest = min(_MAX_LABEL, max(_width(name) for name in grid.src_labels)) + _MARGIN if width >= 50 else 0
        room, num_src = max(1, width - label - 1 - strongest), len(grid.src_labels)
        cell = 2 if 2 * num_src <= room else 1
        return cls(label, cell, min(num_src, room), strongest)


def render(
    record: AttentionRecord,
    *,
    width: int | None = None,
    color: bool = True,
    layer: int | None = None,
    head: int | None = None,
    level: Level = "word",
) -> Text:
    """Draws one attention matrix of a sentence in block characters: a row per target word, a column per source word.

    Args:
        record: The attention of a sentence.
        width: Largest line width in terminal cells; None = width of the terminal.
        color: Whether to color the blocks.
        layer: 0-based layer; None = mean over the layers.
        head: 0-based head; None = mean over the heads.
        level: `word` for one row and column per word, `subword` for one per subword.

    Returns:
        Styled text of several lines; its `plain` attribute is the same text without color.
    """
    grid = record.grid(layer, head, level=level)
    width = width or shutil.get_terminal_size().columns
    layout = _Layout.fit(grid, width)
    staircase = layout.cell == 2 and len(grid.src_labels) <= _MAX_STAIRCASE
    lines = _staircase(grid, layout, width) if staircase else [_ruler(layout, len(grid.src_labels))]
    for name, row in zip(grid.tgt_labels, grid.weights, strict=True):
        lines.append(_row(name, row.tolist(), grid, layout))
    lines.append(_legend(width))
    picture = Text("\n", no_wrap=True, end="").join(lines)
    return picture if color else Text(picture.plain, no_wrap=True, end="")


def _staircase(grid: Grid, layout: _Layout, width: int) -> list[Text]:
    lines = []
    for index, name in enumerate(grid.src_labels):
        line = Text(" " * (layout.label + 1))
        line.append("│ " * index, _FAINT)
        line.append(_fit(name, min(_width(name), max(1, width - line.cell_len))))
        lines.append(line)
    return lines


def _ruler(layout: _Layout, num_src: int) -> Text:
    """Numbers of the source words, from 1, above their columns; several words may share a column."""
    scale = [" "] * (layout.columns * layout.cell)
    for number in (1, *range(10, num_src + 1, 10)):
        start, text = (number - 1) * layout.columns // num_src * layout.cell, str(number)
        free = all(character == " " for character in scale[max(0, start - 1) : start + len(text)])
        if free and start + len(text) <= len(scale):
            scale[start : start + len(text)] = text
    line = Text(" " * (layout.label + 1))
    line.append("".join(scale).rstrip(), _FAINT)
    return line


def _row(name: str, row: list[float], grid: Grid, layout: _Layout) -> Text:
    line = Text(_fit(name, layout.label) + " ")
    best = row.index(max(row))
    for column in range(layout.columns):
        start, end = (-(-edge * len(row) // layout.columns) for edge in (column, column + 1))
        glyph = _shade(max(row[start:end]))
        cell = f"{glyph} " if glyph == "·" and layout.cell == 2 else glyph * layout.cell
        line.append(cell, _FAINT if glyph == "·" else _TINT)
    if layout.strongest and row[best] > 0:
        label = grid.src_labels[best]
        line.append(f"  {_fit(label, min(_width(label), layout.strongest - _MARGIN))}")
        line.append(f" {row[best]:.0%}", _FAINT)
    return line


def _legend(width: int) -> Text:
    steps = [f"{glyph} from {least:.0%}" for least, glyph in reversed(_SHADES[:-1])]
    return Text(_fit("   ".join(steps), min(width, len("   ".join(steps)))), _FAINT)


def _shade(weight: float) -> str:
    return next(glyph for least, glyph in _SHADES if weight >= least)


def _width(text: str) -> int:
    return cell_len(replace_controls(text))


def _fit(text: str, size: int) -> str:
    """Pads or truncates a text to exactly `size` cells; a truncated text ends with an ellipsis."""
    shown = replace_controls(text)
    if cell_len(shown) <= size:
        return set_cell_size(shown, size)
    return set_cell_size(set_cell_size(shown, size - 1).rstrip() + "…", size)
