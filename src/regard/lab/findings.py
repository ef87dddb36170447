"""The report in words: the main results in a few sentences, and the methods."""

from __future__ import annotations

from collections.abc import Sequence

from regard.evaluate.scores import corpus_scores, normalized_lines
from regard.evaluate.tokenizers import choose_tokenizer
from regard.lab.compare import BOOTSTRAP_SAMPLES, METRICS, MIN_SENTENCES, SIGNIFICANCE_LEVEL, LabMetric
from regard.lab.schema import BudgetConfig
from regard.lab.summary import BUCKET_TRIALS, Summary
from regard.lab.tables import format_score


def headlines(summary: Summary) -> list[str]:
    """States the main results: the best system, and the systems that differ from the baseline.

    Args:
        summary: Contents of the report.

    Returns:
        Sentences for the report, one result each.
    """
    sentences = []
    for metric in (METRICS[0], METRICS[3]):
        if metric.name in summary.scores:
            sentences += _headlines(summary, metric)
    return sentences


def _headlines(summary: Summary, metric: LabMetric) -> list[str]:
    scores, baseline = summary.scores[metric.name], summary.experiment.lab.baseline
    best = (max if metric.higher_is_better else min)(scores, key=lambda name: scores[name].score)
    superlative = "Highest" if metric.higher_is_better else "Lowest"
    sentences = [f"{superlative} {metric.name}: {best}, {format_score(scores[best], metric)}."]
    if baseline not in scores or len(scores) < 2:
        return sentences
    different = [name for name, score in scores.items() if score.significant]
    better = [name for name in different if ((scores[name].difference or 0.0) > 0) == metric.higher_is_better]
    worse = [name for name in different if name not in better]
    similar = [name for name, score in scores.items() if score.p_value is not None and name not in different]
    groups = [("better", better), ("worse", worse), ("no significant difference", similar)]
    comparison = "; ".join(f"{relation}: {_listed(names)}" for relation, names in groups if names)
    if comparison:
        score = format_score(scores[baseline], metric)
        sentences.append(f"Compared with {baseline} ({metric.name} {score}), {comparison}.")
    return sentences


def _listed(names: Sequence[str]) -> str:
    """Lists names grouped by family: `luong (dot, general), plain`."""
    families: dict[str, list[str]] = {}
    for name in names:
        family, slash, label = name.rpartition("/")
        families.setdefault(family if slash else name, []).extend([label] if slash else [])
    return ", ".join(f"{family} ({', '.join(labels)})" if labels else family for family, labels in families.items())


def facts(summary: Summary) -> list[tuple[str, str]]:
    """Describes the lab for the report: text, budget, systems, baseline and time.

    Args:
        summary: Contents of the report.

    Returns:
        Pairs of a name, such as `Baseline`, and its value.
    """
    lab, corpus = summary.experiment.lab, summary.experiment.corpus
    sizes = ", ".join(f"{corpus.sizes[name]:,} {name}" for name in ("train", "val", "test"))
    hours = sum(run.wall_seconds for runs in summary.results.values() for run in runs) / 3600
    time = f"{hours:.1f} hours" if hours >= 1 else f"{60 * hours:.0f} minutes"
    return [
        ("Text", f"{corpus.description} ({sizes} pairs)"),
        ("Budget of each run", describe_budget(lab.budget)),
        ("Systems and seeds", f"{len(summary.results)} systems, seeds {', '.join(map(str, lab.seeds))}"),
        ("Baseline", lab.baseline),
        ("Time of all runs", time),
    ]


def describe_budget(config: BudgetConfig) -> str:
    """Describes the budget of each training in words.

    >>> describe_budget(BudgetConfig(steps=1500, minutes=8))
    '1,500 updates, at most 8 minutes'

    Args:
        config: The `[budget]` section of a lab.

    Returns:
        Text such as `1,500 updates`.
    """
    parts = []
    if config.steps:
        parts.append(f"{config.steps:,} updates")
    if config.tokens:
        parts.append(f"{config.tokens:,} target tokens")
    if config.minutes:
        parts.append(f"at most {config.minutes:g} minutes")
    return ", ".join(parts) or "as in each system's configuration"


def method(summary: Summary) -> list[str]:
    """Describes for the report how scores, intervals, tests and other measurements were made.

    Args:
        summary: Contents of the report.

    Returns:
        Paragraphs of text.
    """
    lab, has_gold = summary.experiment.lab, summary.experiment.corpus.gold() is not None
    references = summary.experiment.corpus.lines("test.tgt")
    signatures = corpus_scores(references[:1], references[:1], tokenize=choose_tokenizer(normalized_lines(references)))
    source_word = "by gold links" if has_gold else "without gold links, the words nearest to the diagonal"
    trials, bucket_trials = lab.measure.trials, min(BUCKET_TRIALS, lab.measure.trials)
    return [" ".join(paragraph.split()) for paragraph in (
        f"""Scores are computed by sacreBLEU with its default options, on detokenized, cased translations with beam
        {lab.measure.beam} (BLEU {signatures.bleu_signature}; chrF {signatures.chrf_signature}). Perplexity is per
        subword of the references, with teacher forcing. Systems that ask for the same vocabulary share one, for all
        seeds; in runs with the same seed they see the same batches in the same order.""",
        f"""Seeds are pooled: the statistics of a sentence (such as its n-gram counts) are added over the seeds, and a
        score is computed from the sum over all sentences. A sentence is resampled together with its translations by all
        seeds. ± is half of the 95 % interval of {BOOTSTRAP_SAMPLES:,} bootstrap samples of sentences (Koehn 2004). It
        shows how much the choice of test sentences matters, but not how much the seed does; for that, see the scores of
        single seeds.""",
        f"""A star (*) marks a difference from {lab.baseline} with p < {SIGNIFICANCE_LEVEL:g} in a two-sided paired
        approximate randomization test ({trials:,} trials; Riezler & Maxwell 2005), corrected for the number of systems
        (Holm 1979), and with the same sign in every seed. If a system or {lab.baseline} lacks a seed, difference and
        test use the seeds that both have. Ranges of source length are tested in the same way with {bucket_trials:,}
        trials, if they have {MIN_SENTENCES} sentences or more.""",
        _alignment(has_gold),
        f"""The gradient is that of the log-probability of a target word with respect to the embedding of its source
        word ({source_word}). The distance is the number of recurrent steps between the two words on the shortest path
        that does not use attention. For Transformers, which have no recurrent steps, it is computed in the same way.
        The figure shows the median over word pairs.""",
        """Entropy and sharpness are means over all target positions, heads and layers of the attention to 32 validation
        sentences. Training speed is the median of measurements over about one second each. Memory is the peak memory of
        the process.""",
    )]  # fmt: skip


def _alignment(has_gold: bool) -> str:
    choice = (
        "If a model has several attention heads, the layer and head to read are chosen on validation text, without "
        "gold links: those whose links make the best dictionary of source and target words."
    )
    if not has_gold:
        return f"There are no gold links, and therefore no alignment error rate. {choice}"
    return f"The alignment error rate (AER) is that of links read from the attention to the references. {choice}"


def bullets(lines: Sequence[str]) -> str:
    """Formats lines as a list in Markdown."""
    return "\n".join(f"- {line}" for line in lines)
