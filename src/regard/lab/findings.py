"""What a report says in words: the result in a few sentences, and how it was come by."""

from __future__ import annotations

from collections.abc import Sequence

from regard.evaluate.scores import comparable, corpus_scores
from regard.evaluate.tokenizers import choose_tokenizer
from regard.lab.compare import LEVEL, MEASURES, RESAMPLES, TESTABLE, Measure
from regard.lab.schema import BudgetConfig
from regard.lab.summary import BUCKET_TRIALS, Summary
from regard.lab.tables import score


def headlines(summary: Summary) -> list[str]:
    """The result: who is best, and who differs from the baseline.

    Args:
        summary: Of the lab.

    Returns:
        A sentence each.
    """
    said = []
    for measure in (MEASURES[0], MEASURES[3]):
        if measure.name in summary.values:
            said += _headlines(summary, measure)
    return said


def _headlines(summary: Summary, measure: Measure) -> list[str]:
    values, baseline = summary.values[measure.name], summary.bench.lab.baseline
    best = (max if measure.rises else min)(values, key=lambda name: values[name].score)
    word = "Highest" if measure.rises else "Lowest"
    said = [f"{word} {measure.name}: {best}, {score(values[best], measure)}."]
    if baseline not in values or len(values) < 2:
        return said
    different = [name for name, value in values.items() if value.significant]
    up = [name for name in different if ((values[name].difference or 0.0) > 0) == measure.rises]
    down = [name for name in different if name not in up]
    alike = [name for name, value in values.items() if value.p is not None and name not in different]
    parts = [(up, "better"), (down, "worse"), (alike, "no significant difference")]
    told = "; ".join(f"{word}: {_listed(names)}" for names, word in parts if names)
    if told:
        said.append(f"{measure.name} against {baseline} ({score(values[baseline], measure)}): {told}.")
    return said


def _listed(names: Sequence[str]) -> str:
    """Names with their families said once: `luong (dot, general), plain`."""
    families: dict[str, list[str]] = {}
    for name in names:
        family, slash, label = name.rpartition("/")
        families.setdefault(family if slash else name, []).extend([label] if slash else [])
    return ", ".join(f"{family} ({', '.join(labels)})" if labels else family for family, labels in families.items())


def facts(summary: Summary) -> list[tuple[str, str]]:
    """What the lab is, in a few words each.

    Args:
        summary: Of the lab.

    Returns:
        Names and values.
    """
    lab, corpus = summary.bench.lab, summary.bench.corpus
    sizes = ", ".join(f"{corpus.sizes[name]:,} {name}" for name in ("train", "val", "test"))
    cells = [cell for one in summary.results.values() for cell in one]
    hours = sum(cell.wall_seconds for cell in cells) / 3600
    time = f"{hours:.1f} hours" if hours >= 1 else f"{60 * hours:.0f} minutes"
    return [
        ("Text", f"{corpus.description} ({sizes} pairs)"),
        ("Budget of each training", budget(lab.budget)),
        ("Systems and seeds", f"{len(summary.results)} systems, seeds {', '.join(map(str, lab.seeds))}"),
        ("Baseline", lab.baseline),
        ("Training and measuring", time),
    ]


def budget(config: BudgetConfig) -> str:
    """A budget in words.

    >>> budget(BudgetConfig(steps=1500, minutes=8))
    '1,500 updates, at most 8 minutes'

    Args:
        config: The budget.

    Returns:
        Such as `1,500 updates`.
    """
    parts = []
    if config.steps:
        parts.append(f"{config.steps:,} updates")
    if config.tokens:
        parts.append(f"{config.tokens:,} target tokens")
    if config.minutes:
        parts.append(f"at most {config.minutes:g} minutes")
    return ", ".join(parts) or "what each system's configuration says"


def method(summary: Summary) -> list[str]:
    """How the numbers were come by.

    Args:
        summary: Of the lab.

    Returns:
        A paragraph each.
    """
    lab, gold = summary.bench.lab, summary.bench.corpus.gold() is not None
    references = summary.bench.corpus.lines("test.tgt")
    signatures = corpus_scores(references[:1], references[:1], tokenize=choose_tokenizer(comparable(references)))
    gradient_of = "gold links" if gold else "the words nearest to the diagonal, there being no gold links"
    trials, bucket_trials = lab.measure.trials, min(BUCKET_TRIALS, lab.measure.trials)
    return [" ".join(paragraph.split()) for paragraph in (
        f"""Scores are sacreBLEU's defaults on detokenized, cased text, translated with beam {lab.measure.beam}
        ({signatures.bleu_signature}; chrF {signatures.chrf_signature}). The perplexity is of the references, a
        subword, read with teacher forcing. All systems that ask for the same
        vocabulary share one, whatever their seed, and read the same batches in the same order, seed by seed.""",
        f"""Seeds are pooled: the counts of a sentence's translations by all seeds are added, so that a score is that of
        all translations together, and the sentence with all its translations is what is drawn or exchanged. ± is half
        of the 95 % interval of {RESAMPLES:,} bootstrap samples of sentences (Koehn 2004): it says how much the choice
        of test sentences matters, not how much the seed does; the seeds alone stand beside it.""",
        f"""* marks a difference from {lab.baseline} with p < {LEVEL:g} in a two-sided paired approximate randomization
        ({trials:,} trials; Riezler & Maxwell 2005), corrected for the number of systems (Holm 1979), and with the same
        sign in every seed alone. Where a system or {lab.baseline} lacks a seed, difference and test are of the seeds
        that both have. By length it is the same test with {bucket_trials:,} trials,
        where there are {TESTABLE} sentences or more.""",
        _alignment(gold),
        f"""The gradient is that of the log-probability of a target word with respect to the embedding of its source
        word ({gradient_of}), by the number of recurrent steps between the two on the shortest way without attention,
        for Transformers too, which have no such steps; median over pairs.""",
        """Entropy and sharpness are means over all rows, heads and layers of the attention to 32 validation sentences.
        Speed is the median over seconds of training. Memory is the largest that the process held.""",
    )]  # fmt: skip


def _alignment(gold: bool) -> str:
    read = (
        "Where a model has several matrices, the one that is read is chosen on validation text by the dictionary that "
        "its links would make, without gold links."
    )
    if not gold:
        return f"There are no gold links, hence no alignment error rate. {read}"
    return f"The alignment error rate (AER) is of links read off the attention to the references. {read}"


def bullets(lines: Sequence[str]) -> str:
    """Lines as a list in Markdown."""
    return "\n".join(f"- {line}" for line in lines)
