"""Histograms of lengths: counted while a corpus is read, and drawn as text or as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_MAX = 5000
# Lengths from here on are counted together.
_BAR = "█"
_PARTS_OF_BAR = " ▏▎▍▌▋▊▉"


@dataclass(frozen=True, slots=True)
class Bin:
    """A range of lengths, and how many texts are in it.

    Attributes:
        low: Smallest length.
        high: Largest length; None = no limit.
        count: Number of texts.
    """

    low: int
    high: int | None
    count: int

    @property
    def label(self) -> str:
        """The range in a few characters, such as `20-39` or `200+`."""
        if self.high is None:
            return f"{self.low}+"
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"


class Lengths:
    """Counts how many texts have each length, with constant memory.

    Attributes:
        counts: Number of texts of each length from 0 to 5000, `(5001,)` int64; longer texts are counted in the last
            number.
        total: Sum of all lengths.
        maximum: Largest length.
    """

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(_MAX + 1, np.int64)
        self.total = 0
        self.maximum = 0

    def add(self, lengths: Iterable[int]) -> None:
        """Counts the lengths of further texts.

        Args:
            lengths: One length per text.
        """
        array = np.fromiter(lengths, np.int64)
        if len(array):
            self.counts += np.bincount(np.minimum(array, _MAX), minlength=_MAX + 1)
            self.total += int(array.sum())
            self.maximum = max(self.maximum, int(array.max()))

    @property
    def number(self) -> int:
        """Number of texts."""
        return int(self.counts.sum())

    @property
    def mean(self) -> float:
        """Mean length; 0 without texts."""
        return self.total / max(self.number, 1)

    def quantile(self, share: float) -> int:
        """The smallest length L such that at least the given share of the texts has length L or less.

        Args:
            share: The share, from 0 to 1.

        Returns:
            The length; 0 without texts.
        """
        return int(np.searchsorted(np.cumsum(self.counts), share * self.number))

    def bins(self, number: int = 12) -> list[Bin]:
        """Groups the lengths into ranges of equal, round width, and one more range for all longer texts.

        Args:
            number: Largest number of ranges of equal width; together, they cover at least 99 % of the texts.

        Returns:
            The ranges, without gaps; empty ranges at the end are left out.
        """
        return self.bins_of(bin_width(self.quantile(0.99), number), number)

    def bins_of(self, width: int, number: int = 12) -> list[Bin]:
        """Groups the lengths into ranges of a given width, and one more range for all longer texts.

        Args:
            width: Width of a range.
            number: Largest number of ranges of this width.

        Returns:
            The ranges, without gaps; empty ranges at the end are left out.
        """
        edges = [min(width * index, _MAX) for index in range(number + 1)]
        bins = [Bin(low, high - 1, int(self.counts[low:high].sum())) for low, high in pairwise(edges) if high > low]
        bins.append(Bin(edges[-1], None, int(self.counts[edges[-1] :].sum())))
        while len(bins) > 1 and not bins[-1].count:
            bins.pop()
        return bins


def bin_width(quantile: int, number: int) -> int:
    """Finds the smallest round width with which `number` ranges from 0 on cover the length `quantile`.

    Args:
        quantile: The length to cover.
        number: Number of ranges.

    Returns:
        The width: 1, 2 or 5 times a power of 10.

    >>> bin_width(95, 12), bin_width(300, 12), bin_width(3, 12)
    (10, 50, 1)
    """
    widths = [factor * magnitude for magnitude in (1, 10, 100, 1000, 10_000) for factor in (1, 2, 5)]
    return next(width for width in widths if width * number > quantile)


def draw_text(bins: Sequence[Bin], width: int = 40) -> list[str]:
    """Draws a histogram as lines of text.

    Args:
        bins: The ranges.
        width: Length of the longest bar in characters.

    Returns:
        One line per range.

    >>> draw_text([Bin(0, 9, 5), Bin(10, 19, 20), Bin(20, None, 0)], width=4)
    ['    0-9 █             5', '  10-19 ████         20', '    20+               0']
    """
    most = max((each.count for each in bins), default=0) or 1
    lines = []
    for each in bins:
        eighths = round(8 * width * each.count / most) or (1 if each.count else 0)
        bar = _BAR * (eighths // 8) + _PARTS_OF_BAR[eighths % 8].strip()
        lines.append(f"{each.label:>7} {bar:{width}} {each.count:>10,}")
    return lines


def draw_png(path: Path, charts: Sequence[tuple[str, Sequence[tuple[str, Lengths]]]]) -> None:
    """Draws histograms as a picture, one chart per corpus.

    Args:
        path: Path of the picture, whose suffix gives the format, such as `.png`.
        charts: For each chart, its title, and a list of the name and the lengths of each side.

    Raises:
        ConfigError: matplotlib is not installed.
        CheckpointError: The picture cannot be written.
    """
    from regard.files.atomic import write_output
    from regard.files.packages import require_package

    require_package("matplotlib", to="draw histograms", extra="plot")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2 * len(charts)), layout="constrained")
    for index, (title, sides) in enumerate(charts):
        axes = figure.add_subplot(len(charts), 1, index + 1)
        width = max(bin_width(lengths.quantile(0.99), 40) for _, lengths in sides)
        for name, lengths in sides:
            bins = lengths.bins_of(width, 40)
            axes.stairs([each.count for each in bins], [each.low for each in bins] + [bins[-1].low + width], label=name)
        axes.set(title=title, xlabel="characters", ylabel="sentences")
        axes.legend()
    write_output(path, lambda temporary: figure.savefig(temporary, dpi=150, metadata={}))
