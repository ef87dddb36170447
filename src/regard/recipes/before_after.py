"""The table that fine-tuning ends with: scores on the validation text before and after fine-tuning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from regard.evaluate.significance import Difference, differences
from regard.store import StoredModel
from regard.translation.translator import Translator
from regard.values import Pair

_SIGNIFICANT = 0.05


def before_after(
    parent: StoredModel,
    model: StoredModel,
    pairs: Sequence[Pair],
    *,
    max_pairs: int,
    names: tuple[str, str] = ("parent", "new"),
) -> str:
    """Translates validation text with a model and with the model that was trained from it, and compares their scores.

    Args:
        parent: The model that the training started from, or any other model to compare with.
        model: The trained model.
        pairs: Validation pairs.
        max_pairs: Largest number of pairs to translate; if there are more, evenly spaced pairs are used.
        names: Headings of the columns of both models, of at most 8 characters.

    Returns:
        A table with a sentence on its last line: BLEU and chrF of both models, and whether they differ by more than
        chance.
    """
    rows = np.linspace(0, len(pairs) - 1, min(len(pairs), max_pairs)).round().astype(int).tolist()
    sources, references = [pairs[row].src for row in rows], [pairs[row].tgt for row in rows]
    before, after = (
        [translation.text for translation in Translator.of([stored]).translate(sources)] for stored in (parent, model)
    )
    tokenize = model.config.train.bleu_tokenize
    return _table(differences(before, after, references, tokenize=tokenize), num_pairs=len(rows), names=names)


def _table(results: Sequence[Difference], *, num_pairs: int, names: tuple[str, str]) -> str:
    lines = [f"{num_pairs:,} validation pairs" + "".join(f"{name:>10}" for name in (*names, "change"))]
    for result in results:
        verdict = "" if result.p_value < _SIGNIFICANT else ", not more than chance"
        change = result.after - result.before
        lines.append(
            f"{result.metric:>{len(lines[0]) - 30}}{result.before:10.1f}{result.after:10.1f}{change:+10.1f}"
            f"  (p = {result.p_value:.3f}{verdict})"
        )
    return "\n".join(lines)
