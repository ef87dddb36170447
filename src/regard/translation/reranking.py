"""Reranking of n-best lists by a weighted sum of features, such as log-probabilities of several models.

With a model of the opposite direction this is a noisy channel: log P(target | source) + λ log P(source | target) (Yee
et al. 2019, §3). The features of a translation are one log-probability per model, its number of subwords, and its score
in the n-best list.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from regard.errors import DataError
from regard.evaluate.pairwise import pairwise_chrf
from regard.text.normalize import normalize
from regard.translation.chunks import chunks
from regard.translation.glossary import Glossary
from regard.translation.term_use import term_uses
from regard.translation.translator import Translator

LENGTH, SCORE = "length", "score"
"""Names of the features that need no model."""
_STEPS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)
_VALUES = (0.0, *_STEPS, *(-step for step in _STEPS))
"""Weights that tuning tries."""
_PASSES = 4


@dataclass(frozen=True)
class Scorer:
    """A model whose log-probability is a feature.

    Attributes:
        name: Name of the feature.
        translator: The model, or an ensemble.
        is_reverse: Whether the model translates from the target to the source language.
    """

    name: str
    translator: Translator
    is_reverse: bool = False


@dataclass(frozen=True)
class Candidate:
    """A translation of an n-best list.

    Attributes:
        text: The translation.
        features: Value of each feature; -inf for the log-probability of a translation that a model cannot score.
        total: Weighted sum of the features.
    """

    text: str
    features: dict[str, float]
    total: float = 0.0


def add_features(
    sources: Sequence[str],
    lists: Sequence[Sequence[tuple[str, float]]],
    scorers: Sequence[Scorer],
    *,
    first: int = 1,
) -> list[list[Candidate]]:
    """Computes the features of the translations in n-best lists.

    Args:
        sources: Source sentences.
        lists: N-best list of each sentence: pairs `(translation, score)`.
        scorers: Models whose log-probabilities become features. The first one also counts the subwords of translations.
        first: Number of the first sentence in errors.

    Returns:
        The candidates of each sentence, in the order of its list, with the features `score`, `length` (number of
        subwords, with `</s>`) and one log-probability per scorer, by its name.

    Raises:
        DataError: The numbers of sentences and lists differ.
        SearchError: A model computed NaN or infinite numbers.
    """
    if len(sources) != len(lists):
        raise DataError(
            f"expected an n-best list for each of the {len(sources)} source sentences, got {len(lists)}: give one "
            "list per sentence, in the same order"
        )
    rows = [row for row, own in enumerate(lists) for _ in own]
    targets = [text for own in lists for text, _ in own]
    features = [{SCORE: score} for own in lists for _, score in own]
    for position, scorer in enumerate(scorers):
        pairs = _score(scorer, [sources[row] for row in rows], targets, first=first)
        for own_features, (log_prob, length) in zip(features, pairs, strict=True):
            own_features[scorer.name] = log_prob
            if position == 0:
                own_features[LENGTH] = length
    found: list[list[Candidate]] = [[] for _ in sources]
    for row, text, own_features in zip(rows, targets, features, strict=True):
        found[row].append(Candidate(text, own_features))
    return found


def _score(
    scorer: Scorer, sources: Sequence[str], targets: Sequence[str], *, first: int
) -> Iterator[tuple[float, float]]:
    """Log-probability of each translation, and its number of subwords with eos."""
    translator = scorer.translator
    given, scored = (targets, sources) if scorer.is_reverse else (sources, targets)
    subword = translator.src_subword if scorer.is_reverse else translator.tgt_subword
    for part in chunks(given, scored):
        results = translator.score(given[part], scored[part], first=first + part.start, attention=False)
        lengths = [len(ids) + 1 for ids in subword.encode_ids(targets[part])]
        for result, length in zip(results, lengths, strict=True):
            yield (result.score if result.tokens else -math.inf), float(length)


def rerank(lists: Sequence[Sequence[Candidate]], weights: dict[str, float]) -> list[list[Candidate]]:
    """Sorts n-best lists by the weighted sums of the features.

    Args:
        lists: Candidates of each sentence.
        weights: Weight of each feature; features without a weight do not count.

    Returns:
        The candidates of each sentence with their `total`, best first; equal ones stay in their order.
    """
    return [
        sorted(
            (replace(candidate, total=_total(candidate, weights)) for candidate in own),
            key=lambda candidate: -candidate.total,
        )
        for own in lists
    ]


def _total(candidate: Candidate, weights: dict[str, float]) -> float:
    return math.fsum(weight * candidate.features[name] for name, weight in weights.items() if weight)


def sort_by_terms(source: str, candidates: Sequence[Candidate], glossary: Glossary) -> list[Candidate]:
    """Sorts the translations of a sentence by the number of glossary terms that they violate, fewest first.

    Args:
        source: The sentence.
        candidates: Its translations, best first.
        glossary: Terms with the translations that they must, or must not, have.

    Returns:
        The translations; those that violate equally many terms stay in their order.
    """
    sentence = normalize(source)

    def unmet(candidate: Candidate) -> int:
        return sum(not use.is_met for use in term_uses(glossary, sentence, candidate.text))

    return sorted(candidates, key=unmet)


def tune_weights(
    lists: Sequence[Sequence[Candidate]], references: Sequence[str], weights: dict[str, float]
) -> tuple[dict[str, float], float]:
    """Chooses weights under which the best candidates have the highest mean chrF.

    The first weight stays as it is, since only proportions count. The others are varied one after another over a grid,
    several times (coordinate ascent).

    Args:
        lists: Candidates of each sentence.
        references: Reference translation of each sentence.
        weights: Weight of each feature at the start.

    Returns:
        The weights, and the mean chrF that they reach on these sentences, 0 to 100.

    Raises:
        DataError: The numbers of lists and references differ.
    """
    if len(lists) != len(references):
        raise DataError(
            f"expected a reference for each of the {len(lists)} sentences, got {len(references)}: give one "
            "reference per sentence, in the same order"
        )
    quality = [
        [row[0] for row in pairwise_chrf([candidate.text for candidate in own], [reference])] if own else []
        for own, reference in zip(lists, references, strict=True)
    ]

    best, best_chrf = dict(weights), _mean_chrf(lists, quality, weights)
    for _ in range(_PASSES):
        before = best_chrf
        for name in list(best)[1:]:
            tried = [{**best, name: value} for value in _VALUES]
            reached = [_mean_chrf(lists, quality, own) for own in tried]
            if max(reached) > best_chrf:
                best_chrf = max(reached)
                best = tried[reached.index(best_chrf)]
        if best_chrf <= before:
            break
    return best, best_chrf


def _mean_chrf(
    lists: Sequence[Sequence[Candidate]], quality: Sequence[Sequence[float]], weights: dict[str, float]
) -> float:
    """Mean chrF of the candidates that some weights choose, from the chrF of all candidates."""
    chosen = []
    for own, scores in zip(lists, quality, strict=True):
        if own:
            totals = [_total(candidate, weights) for candidate in own]
            chosen.append(scores[totals.index(max(totals))])
    return math.fsum(chosen) / max(1, len(chosen))
