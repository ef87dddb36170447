"""The heat map in a terminal: block characters, which say it without color too.

A short source stands above its columns as a staircase. A long one is drawn one character a word, or several
words a character, under a ruler; the strongest word of each row is named at its end in any case.
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
_LABEL_SIZE, _STAIRCASE, _BESIDE = 16, 24, 7  # two spaces before a name, ` 100%` after it


@dataclass(frozen=True, slots=True)
class _Layout:
    """Widths in terminal cells: names of rows, one column of the matrix, its number, and the end of a row."""

    label: int
    cell: int
    columns: int
    named: int

    @classmethod
    def fit(cls, grid: Grid, width: int) -> _Layout:
        label = min(_LABEL_SIZE, max(1, width // 4), max((_width(one) for one in grid.tgt_labels), default=1))
        named = min(_LABEL_SIZE, max(_width(one) for one in grid.src_labels)) + _BESIDE if width >= 50 else 0
        room, num_src = max(1, width - label - 1 - named), len(grid.src_labels)
        cell = 2 if 2 * num_src <= room else 1
        return cls(label, cell, min(num_src, room), named)


def render(
    record: AttentionRecord,
    *,
    width: int | None = None,
    color: bool = True,
    layer: int | None = None,
    head: int | None = None,
    level: Level = "word",
) -> Text:
    """Draws one matrix: a row for each target word, a column for each source word.

    Args:
        record: What was attended to.
        width: Terminal cells that a line may take; None = as many as the terminal has.
        color: Whether to tint the blocks.
        layer: Number of the layer; None = mean over the layers.
        head: Number of the head; None = mean over the heads.
        level: Words or subwords.

    Returns:
        Styled text of several lines; its `plain` is the same without color.
    """
    grid = record.grid(layer, head, level=level)
    width = width or shutil.get_terminal_size().columns
    layout = _Layout.fit(grid, width)
    staircase = layout.cell == 2 and len(grid.src_labels) <= _STAIRCASE
    lines = _staircase(grid, layout, width) if staircase else [_ruler(layout, len(grid.src_labels))]
    for name, row in zip(grid.tgt_labels, grid.weights, strict=True):
        lines.append(_row(name, row.tolist(), grid, layout))
    lines.append(_legend(width))
    picture = Text("\n", no_wrap=True, end="").join(lines)
    return picture if color else Text(picture.plain, no_wrap=True, end="")


def _staircase(grid: Grid, layout: _Layout, width: int) -> list[Text]:
    lines = []
    for place, name in enumerate(grid.src_labels):
        line = Text(" " * (layout.label + 1))
        line.append("│ " * place, _FAINT)
        line.append(_fit(name, min(_width(name), max(1, width - line.cell_len))))
        lines.append(line)
    return lines


def _ruler(layout: _Layout, num_src: int) -> Text:
    """Numbers of source words, from 1, over their columns; words may share a column."""
    scale = [" "] * (layout.columns * layout.cell)
    for number in (1, *range(10, num_src + 1, 10)):
        start, text = (number - 1) * layout.columns // num_src * layout.cell, str(number)
        free = all(one == " " for one in scale[max(0, start - 1) : start + len(text)])
        if free and start + len(text) <= len(scale):
            scale[start : start + len(text)] = text
    line = Text(" " * (layout.label + 1))
    line.append("".join(scale).rstrip(), _FAINT)
    return line


def _row(name: str, row: list[float], grid: Grid, layout: _Layout) -> Text:
    line = Text(_fit(name, layout.label) + " ")
    strongest = row.index(max(row))
    for column in range(layout.columns):
        start, end = (-(-at * len(row) // layout.columns) for at in (column, column + 1))
        glyph = _shade(max(row[start:end]))
        cell = f"{glyph} " if glyph == "·" and layout.cell == 2 else glyph * layout.cell
        line.append(cell, _FAINT if glyph == "·" else _TINT)
    if layout.named and row[strongest] > 0:
        label = grid.src_labels[strongest]
        line.append(f"  {_fit(label, min(_width(label), layout.named - _BESIDE))}")
        line.append(f" {row[strongest]:.0%}", _FAINT)
    return line


def _legend(width: int) -> Text:
    steps = [f"{glyph} from {least:.0%}" for least, glyph in reversed(_SHADES[:-1])]
    return Text(_fit("   ".join(steps), min(width, len("   ".join(steps)))), _FAINT)


def _shade(weight: float) -> str:
    return next(glyph for least, glyph in _SHADES if weight >= least)


def _width(text: str) -> int:
    return cell_len(replace_controls(text))


def _fit(text: str, size: int) -> str:
    """The text in exactly `size` cells; what is cut off ends in an ellipsis."""
    shown = replace_controls(text)
    if cell_len(shown) <= size:
        return set_cell_size(shown, size)
    return set_cell_size(set_cell_size(shown, size - 1).rstrip() + "…", size)
