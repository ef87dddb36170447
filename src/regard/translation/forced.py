"""Forced decoding: the score, the attention and the word alignment of given translations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from regard.alignment.readout import Readout
from regard.search.attention_filter import KEEP_ALL, KeepMatrix
from regard.text.normalize import normalize
from regard.translation.filling import TranslatorParts, named_lines
from regard.translation.result import Translation, with_line_number


def score_pairs(
    translator: TranslatorParts,
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    first: int,
    only: Readout | None,
    attention: bool,
) -> list[Translation]:
    """Scores given translations of sentences; see `Translator.score`.

    Args:
        translator: The translator.
        sources: The source sentences.
        targets: One translation per source sentence.
        first: Number of the first sentence in warnings and errors.
        only: Keep only the attention of this readout's layer and head; None = keep all layers and heads.
        attention: Whether to compute attention and word alignment.

    Returns:
        One translation per pair, with its log-probability in nats as score. Pairs with an empty sentence, or
        with a warning (too long for the model or the memory limit), are not scored: score 0.

    Raises:
        NotFiniteError: The model computed NaN or infinite numbers.
    """
    pairs = [
        (translator.src_subword.encode(normalize(src)), translator.tgt_subword.encode(normalize(tgt)))
        for src, tgt in zip(sources, targets, strict=True)
    ]
    num_matrices = (translator.limits.num_matrices if only is None else 1) if attention else 0
    readout = translator.readout if only is None else replace(only, layer=None, head=None)
    keep = KEEP_ALL if only is None else KeepMatrix(only.layer, only.head)
    results = []
    for number, (src, tgt) in enumerate(pairs, start=first):
        warnings = translator.limits.warning(src, tgt, num_matrices=num_matrices)
        results.append(Translation(src.text, tgt.text, 0.0, warnings=with_line_number(number, warnings)))
    rows = [row for row, (src, tgt) in enumerate(pairs) if src.ids and tgt.ids and not results[row].warnings]
    with named_lines([row + first for row in rows]):
        hypotheses = translator.engine.force(
            [pairs[row][0].ids for row in rows],
            [pairs[row][1].ids for row in rows],
            attention_filter=keep if attention else None,
        )
    for row, hypothesis in zip(rows, hypotheses, strict=True):
        results[row] = Translation.of(*pairs[row], hypothesis, attention=attention, readout=readout)
    return results
