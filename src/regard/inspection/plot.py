"""Heat maps as PNG, SVG or PDF files. Requires matplotlib: `pip install 'regard[plot]'`."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from regard.errors import DataError, RegardError
from regard.files.atomic import write_output
from regard.inspection.fonts import FontChoice, choose_fonts
from regard.inspection.record import AttentionRecord, Grid, Level

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# From the lightest to the darkest blue of the HTML page in equal Oklab steps: one hue, so that lightness alone encodes
# the weight, also for color-blind readers and in print.
_SCALE = ["#f0efeb", "#d3d8db", "#b6c1cc", "#9aaabc", "#7e94ac", "#637e9c", "#49698d", "#2f547d", "#123f6d"]
_INK, _SOFT = "#22262d", "#666b75"
_FORMATS = (".png", ".svg", ".pdf")
_MAX_LABEL, _MAX_WIDE_GRID, _BAR_HEIGHT = 20, 60, 6  # characters of a label; labels with thick grid lines; cells
_DPI, _MAX_PIXELS, _MAX_LABELS = 160.0, 8000, 1000


def save(
    record: AttentionRecord,
    path: Path | str,
    *,
    layer: int | None = None,
    head: int | None = None,
    level: Level = "word",
    title: str = "",
) -> str:
    """Saves one attention matrix of a sentence as a heat map: a row per target word, a column per source word.

    Labels use any installed font that has their characters; characters without a font become `�`.

    Args:
        record: The attention of a sentence.
        path: Output file; its suffix, `.png`, `.svg` or `.pdf`, selects the format.
        layer: 0-based layer; None = mean over the layers.
        head: 0-based head; None = mean over the heads.
        level: `word` for one row and column per word, `subword` for one per subword.
        title: Title above the picture.

    Returns:
        The characters that no installed font has; empty if all were drawn.

    Raises:
        DataError: The suffix is unknown, or the matrix has more than 1000 rows or columns.
        CheckpointError: The file cannot be written; an existing file is left unchanged.
        RegardError: matplotlib is not installed.
    """
    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        raise DataError(f"expected a picture file with suffix {', '.join(_FORMATS)}, got {path.name!r}")
    try:
        import matplotlib as mpl
    except ImportError as error:
        message = "saving a picture needs matplotlib, which is not installed: run pip install 'regard[plot]'"
        raise RegardError(message) from error
    grid = record.grid(layer, head, level=level)
    if max(grid.weights.shape) > _MAX_LABELS:
        raise DataError(
            f"a picture with {grid.weights.shape[0]} rows and {grid.weights.shape[1]} columns would be illegible: the "
            f"limit is {_MAX_LABELS} of each; create an HTML page instead, with --html"
        )
    kind = path.suffix.lower()
    undated = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    # The salt makes the element ids of an SVG reproducible; TeX would interpret labels as commands.
    with mpl.rc_context({"svg.hashsalt": "regard", "text.usetex": False}):
        figure, missing = _draw(grid, title)
        picture = BytesIO()
        dpi = min(_DPI, _MAX_PIXELS / max(figure.get_size_inches()))  # a larger image would take gigabytes
        figure.savefig(picture, format=kind[1:], dpi=dpi, bbox_inches="tight", metadata=undated[kind])
    write_output(path, lambda temporary: temporary.write_bytes(picture.getvalue()))
    return missing


def _draw(grid: Grid, title: str) -> tuple[Figure, str]:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    num_tgt, num_src = grid.weights.shape
    cell = min(0.42, max(0.16, 18 / max(num_tgt, num_src, 1)))  # inches
    figure = Figure(figsize=(max(2.0, cell * num_src + 0.6), max(1.0, cell * num_tgt)), facecolor="white")
    axes = figure.add_subplot()
    scale = LinearSegmentedColormap.from_list("regard", _SCALE)
    if num_tgt:
        image = axes.imshow(grid.weights.numpy(), cmap=scale, vmin=0, vmax=1, aspect="equal", interpolation="nearest")
        height = min(num_tgt, _BAR_HEIGHT)  # in cells, like the fractions below
        bar_axes = axes.inset_axes((1 + 0.6 / num_src, 1 - height / num_tgt, 0.3 / num_src, height / num_tgt))
        bar = figure.colorbar(image, cax=bar_axes, ticks=[0, 0.5, 1])
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, labelsize=8, labelcolor=_SOFT)
    labels = choose_fonts([_shorten(label) for label in (*grid.src_labels, *grid.tgt_labels)])
    _label(axes, labels, num_src, num_tgt, size=min(11.0, 60 * cell))
    heading = choose_fonts([title])
    if title:
        axes.set_title(
            heading.labels[0], fontfamily=heading.families, fontsize=12, color=_INK, pad=12, parse_math=False
        )
    return figure, "".join(dict.fromkeys(labels.missing + heading.missing))


def _label(axes: Axes, names: FontChoice, num_src: int, num_tgt: int, *, size: float) -> None:
    """Labels the rows and columns, and draws white lines between the cells."""
    labels = names.labels
    axes.xaxis.tick_top()
    axes.set_xticks(range(num_src), labels[:num_src], rotation=45, ha="left", rotation_mode="anchor")
    axes.set_yticks(range(num_tgt), labels[num_src:])
    for text in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        text.set(fontfamily=names.families, fontsize=size, color=_INK, parse_math=False)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xticks([index - 0.5 for index in range(1, num_src)], minor=True)
    axes.set_yticks([index - 0.5 for index in range(1, num_tgt)], minor=True)
    axes.grid(which="minor", color="white", linewidth=1.2 if max(num_tgt, num_src) <= _MAX_WIDE_GRID else 0.4)


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_LABEL else text[: _MAX_LABEL - 1] + "…"
