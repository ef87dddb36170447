"""Makes the tables of a report as cells of text, for both Markdown and HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from regard.lab.compare import METRICS, LabMetric, PooledScore
from regard.lab.result import Measurements
from regard.lab.summary import Bucket, Summary

UP, DOWN, MINUS = "\u2191", "\u2193", "\u2212"


@dataclass(frozen=True)
class Table:
    """A table of text: rows of cells below a header; the first cell of a row is its name.

    Attributes:
        header: Names of the columns.
        rows: Rows with one cell per column.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def scores_table(summary: Summary) -> Table:
    """Table of all metrics per system: score ± half its confidence interval, and difference from the baseline."""
    metrics = [metric for metric in METRICS if metric.name in summary.scores]
    header = ["system"]
    for metric in metrics:
        header += [f"{metric.name} {UP if metric.higher_is_better else DOWN}", f"\u0394 {metric.name}"]
    baseline = summary.experiment.lab.baseline
    rows = []
    for name in summary.systems:
        cells = [f"{name} (baseline)" if name == baseline else name]
        for metric in metrics:
            score = summary.scores[metric.name].get(name)
            cells += [format_score(score, metric), format_difference(score, metric)]
        rows.append(cells)
    return Table(header, rows)


def seeds_table(summary: Summary) -> Table:
    """Table of BLEU for each single seed: one row per system, one column per seed."""
    scores = summary.scores["BLEU"]
    seeds = [seed for seed in summary.experiment.lab.seeds if any(seed in score.seeds for score in scores.values())]
    rows = []
    for name in summary.systems:
        by_seed = scores[name].seeds
        rows.append([name, *(f"{by_seed[seed]:.1f}" if seed in by_seed else "" for seed in seeds)])
    return Table(["system", *(f"seed {seed}" for seed in seeds)], rows)


def costs_table(summary: Summary) -> Table:
    """Table of parameters, training data, time, speed and memory: one row per system."""
    header = [
        "system", "seeds", "parameters", "target tokens trained on", "training minutes",
        "training speed, target tokens/s", "translation speed, sentences/s", "peak memory",
    ]  # fmt: skip
    rows = []
    for name, costs in summary.costs.items():
        rows.append(
            [
                name,
                str(costs.num_seeds),
                f"{costs.num_parameters:,}",
                "" if costs.tokens is None else f"{costs.tokens / 1e6:.2f} M",
                f"{costs.minutes:.1f}",
                "" if costs.tokens_per_second is None else f"{costs.tokens_per_second:,.0f}",
                f"{costs.sentences_per_second:,.0f}",
                f"{costs.peak_memory / 2**20:,.0f} MiB",
            ]
        )
    return Table(header, rows)


def lengths_table(summary: Summary) -> Table:
    """Table of BLEU by source length: one row per range of lengths, one column per system."""
    return _bucket_table(summary, summary.lengths, "source words", "sentences", METRICS[0])


def frequencies_table(summary: Summary) -> Table:
    """Table of the recall of target words by their frequency in the training text, one column per system."""
    return _bucket_table(summary, summary.frequencies, "occurrences in the training text", "words", METRICS[0])


def distances_table(summary: Summary) -> Table:
    """Table of median gradient norms by the distance between target and source word, one column per system.

    The gradient is that of the target word's log-probability with respect to the source word's embedding; distances are
    in recurrent steps. See `regard.lab.measure.gradients`.

    Args:
        summary: Contents of the report.

    Returns:
        The table, with a row per range of distances.
    """
    header = ["recurrent steps", "word pairs", *summary.systems]
    rows = [
        [bucket.label, f"{bucket.size:,}", *(_scientific(bucket.values.get(name)) for name in summary.systems)]
        for bucket in summary.distances
    ]
    return Table(header, rows)


def attention_table(summary: Summary) -> Table:
    """Table of attention per system: entropy and sharpness after training, and the layer and head for word links."""
    rows = []
    for name, runs in summary.results.items():
        last = [curves[name][-1][1] if name in curves else None for curves in _attention_curves(summary)]
        if last[0] is None:
            rows.append([name, "", "", "no attention"])
            continue
        readouts = sorted({_describe_readout(run.measured) for run in runs})
        rows.append([name, f"{last[0]:.2f}", f"{last[1]:.2f}", "; ".join(readouts)])
    return Table(["system", "entropy, nats", "sharpness", "attention used for links and heat maps"], rows)


def format_score(score: PooledScore | None, metric: LabMetric) -> str:
    """Formats a score with half of the width of its confidence interval.

    Args:
        score: Score of a system; None if the metric was not measured for the system.
        metric: Metric of the score.

    Returns:
        Text such as `31.2 ± 0.6`; an empty string without a score.
    """
    if score is None:
        return ""
    return f"{score.score:.{metric.decimals}f} \u00b1 {score.margin:.{metric.decimals}f}"


def format_difference(score: PooledScore | None, metric: LabMetric) -> str:
    """Formats the difference between a system's score and the baseline's.

    Args:
        score: Score of a system; None if the metric was not measured for the system.
        metric: Metric of the score.

    Returns:
        Text such as `+1.3 *`, with a star if the difference is significant; an empty string if no difference was
        tested, such as for the baseline itself.
    """
    if score is None or score.difference is None:
        return ""
    sign = "+" if score.difference >= 0 else MINUS
    return f"{sign}{abs(score.difference):.{metric.decimals}f}{' *' if score.significant else ''}"


def _bucket_table(summary: Summary, buckets: Sequence[Bucket], range_of: str, units: str, metric: LabMetric) -> Table:
    rows = []
    for bucket in buckets:
        cells = [bucket.label, f"{bucket.size:,}"]
        for name in summary.systems:
            value = bucket.values.get(name)
            star = " *" if isinstance(value, PooledScore) and value.significant else ""
            number = value.score if isinstance(value, PooledScore) else value
            cells.append("" if number is None else f"{number:.{metric.decimals}f}{star}")
        rows.append(cells)
    return Table([range_of, units, *summary.systems], rows)


def _attention_curves(summary: Summary) -> list[Mapping[str, list[tuple[float, float]]]]:
    return [summary.curves["entropy"], summary.curves["sharpness"]]


def _scientific(value: PooledScore | float | None) -> str:
    return f"{value:.1e}" if isinstance(value, float) else ""


def _describe_readout(measured: Measurements) -> str:
    layer, head = measured.layer, measured.head
    if layer is None and head is None:
        records = measured.records()
        several = bool(records) and sum(len(weights) for weights in records[0].layers) > 1
        return "mean of all layers and heads" if several else "the only head"
    layer_name = "mean of layers" if layer is None else f"layer {layer + 1}"
    head_name = "mean of heads" if head is None else f"head {head + 1}"
    return f"{layer_name}, {head_name}{', one step later' if measured.shifted else ''}"
