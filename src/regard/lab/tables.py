"""The tables of a report, as text in cells: Markdown and HTML write the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from regard.lab.compare import MEASURES, Measure, Value
from regard.lab.result import Measured
from regard.lab.summary import Bucket, Summary

UP, DOWN, MINUS = "\u2191", "\u2193", "\u2212"


@dataclass(frozen=True)
class Table:
    """Rows of cells below a header; the first column names the row.

    Attributes:
        header: Names of the columns.
        rows: As many cells each.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def scores_table(summary: Summary) -> Table:
    """Every measure of every system, with its interval and its difference from the baseline."""
    measures = [one for one in MEASURES if one.name in summary.values]
    header = ["system"]
    for one in measures:
        header += [f"{one.name} {UP if one.rises else DOWN}", f"\u0394 {one.name}"]
    baseline = summary.bench.lab.baseline
    rows = []
    for name in summary.systems:
        cells = [f"{name} (baseline)" if name == baseline else name]
        for one in measures:
            value = summary.values[one.name].get(name)
            cells += [score(value, one), difference(value, one)]
        rows.append(cells)
    return Table(header, rows)


def seeds_table(summary: Summary) -> Table:
    """BLEU of each seed alone."""
    values = summary.values["BLEU"]
    seeds = [seed for seed in summary.bench.lab.seeds if any(seed in one.seeds for one in values.values())]
    rows = []
    for name in summary.systems:
        own = values[name].seeds
        rows.append([name, *(f"{own[seed]:.1f}" if seed in own else "" for seed in seeds)])
    return Table(["system", *(f"seed {seed}" for seed in seeds)], rows)


def costs_table(summary: Summary) -> Table:
    """What each system took."""
    header = [
        "system", "seeds", "parameters", "target tokens learned from", "minutes", "target tokens/s",
        "sentences/s translated", "peak memory",
    ]  # fmt: skip
    rows = []
    for name, facts in summary.facts.items():
        rows.append(
            [
                name,
                str(facts.num_seeds),
                f"{facts.num_parameters:,}",
                "" if facts.tokens is None else f"{facts.tokens / 1e6:.2f} M",
                f"{facts.minutes:.1f}",
                "" if facts.tokens_per_second is None else f"{facts.tokens_per_second:,.0f}",
                f"{facts.sentences_per_second:,.0f}",
                f"{facts.peak_memory / 2**20:,.0f} MiB",
            ]
        )
    return Table(header, rows)


def lengths_table(summary: Summary) -> Table:
    """BLEU by source length."""
    return _by_bucket(summary, summary.lengths, "source words", "sentences", MEASURES[0])


def frequencies_table(summary: Summary) -> Table:
    """Recall of words by their frequency."""
    return _by_bucket(summary, summary.frequencies, "times in the training text", "words", MEASURES[0])


def distances_table(summary: Summary) -> Table:
    """Gradient norms by distance."""
    header = ["recurrent steps", "pairs of words", *summary.systems]
    rows = [
        [bucket.label, f"{bucket.size:,}", *(_power(bucket.values.get(name)) for name in summary.systems)]
        for bucket in summary.distances
    ]
    return Table(header, rows)


def attention_table(summary: Summary) -> Table:
    """Entropy and sharpness at the end of training, and which attention was read."""
    rows = []
    for name, cells in summary.results.items():
        spread = [curves[name][-1][1] if name in curves else None for curves in _spreads(summary)]
        if spread[0] is None:
            rows.append([name, "", "", "no attention"])
            continue
        read = sorted({_read(cell.measured) for cell in cells})
        rows.append([name, f"{spread[0]:.2f}", f"{spread[1]:.2f}", "; ".join(read)])
    return Table(["system", "entropy, nats", "sharpness", "attention read for links and matrices"], rows)


def score(value: Value | None, measure: Measure) -> str:
    """A score with half its interval.

    Args:
        value: The score.
        measure: Of what.

    Returns:
        Such as `31.2 ± 0.6`; nothing where there is no score.
    """
    if value is None:
        return ""
    return f"{value.score:.{measure.decimals}f} \u00b1 {value.margin:.{measure.decimals}f}"


def difference(value: Value | None, measure: Measure) -> str:
    """The difference from the baseline.

    Args:
        value: A system's.
        measure: Of what.

    Returns:
        Such as `+1.3 *`, the star for a significant one; nothing where none was tested.
    """
    if value is None or value.difference is None:
        return ""
    sign = "+" if value.difference >= 0 else MINUS
    return f"{sign}{abs(value.difference):.{measure.decimals}f}{' *' if value.significant else ''}"


def _by_bucket(summary: Summary, buckets: Sequence[Bucket], what: str, units: str, measure: Measure) -> Table:
    rows = []
    for bucket in buckets:
        cells = [bucket.label, f"{bucket.size:,}"]
        for name in summary.systems:
            value = bucket.values.get(name)
            star = " *" if isinstance(value, Value) and value.significant else ""
            number = value.score if isinstance(value, Value) else value
            cells.append("" if number is None else f"{number:.{measure.decimals}f}{star}")
        rows.append(cells)
    return Table([what, units, *summary.systems], rows)


def _spreads(summary: Summary) -> list[Mapping[str, list[tuple[float, float]]]]:
    return [summary.curves["entropy"], summary.curves["sharpness"]]


def _power(value: Value | float | None) -> str:
    return f"{value:.1e}" if isinstance(value, float) else ""


def _read(measured: Measured) -> str:
    layer, head = measured.layer, measured.head
    if layer is None and head is None:
        records = measured.records()
        several = bool(records) and sum(len(one) for one in records[0].layers) > 1
        return "mean of all layers and heads" if several else "its only matrix"
    where = "mean of layers" if layer is None else f"layer {layer + 1}"
    which = "mean of heads" if head is None else f"head {head + 1}"
    return f"{where}, {which}{', one step later' if measured.shifted else ''}"
