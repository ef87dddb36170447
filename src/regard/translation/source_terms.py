"""Writes target-language terms into source sentences, for models that were trained with `train.terms`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from regard.errors import SearchError
from regard.text.source_terms import Insertion, TermWriter, term_symbols
from regard.text.subword import Subword
from regard.translation.result import Segment
from regard.values import Hypothesis


def check_reads_terms(subword: Subword) -> None:
    """Checks that a model was trained with target-language terms in its source sentences.

    Args:
        subword: Source vocabulary of the model.

    Raises:
        SearchError: The vocabulary has no symbols for terms.
    """
    if term_symbols(subword) is None:
        raise SearchError(
            "terms_in_source: the model was not trained to read terms in its sources, and its vocabulary has no "
            "symbols for them: leave out terms_in_source (--terms-in-source), so that the search enforces the terms; "
            "or train a model with train.terms"
        )


def source_insertions(segment: Segment, subword: Subword, *, limit: int) -> tuple[Insertion, ...]:
    """Finds where the terms of a segment are inserted into its source: each behind the words that it translates.

    Args:
        segment: The segment; the first alternative of each term in its `source_terms` is inserted.
        subword: Source vocabulary of a model that reads terms.
        limit: Largest number of source subwords that the model translates at once.

    Returns:
        The terms to insert, in the order of the source. Terms for which `limit` leaves no room are left out.
    """
    writer, room = TermWriter(subword), limit - len(segment.source.ids)
    insertions: list[Insertion] = []
    for term in sorted(segment.source_terms, key=lambda term: term.source or (0, 0)):
        first, last = term.source or (0, 0)
        covered = [number for number, (start, end) in enumerate(segment.source.spans) if start < last and end > first]
        insertion = writer.insertion(covered[0], covered[-1] + 1, term.alternatives[0]) if covered else None
        if insertion is not None and len(insertion.ids) <= room:
            insertions.append(insertion)
            room -= len(insertion.ids)
    return tuple(insertions)


def without_insertions(hypothesis: Hypothesis, insertions: Sequence[Insertion]) -> Hypothesis:
    """Moves the attention that inserted terms received to the source words that they follow.

    Args:
        hypothesis: A hypothesis for the source with the terms.
        insertions: The inserted terms.

    Returns:
        The hypothesis with attention weights for the source without the terms, `(H, T, S)`. The attention on a term is
        divided equally among the subwords of its source words, so each row still sums to 1.
    """
    if not insertions or not hypothesis.weights:
        return hypothesis
    return replace(hypothesis, weights=tuple(_own_columns(layer, insertions) for layer in hypothesis.weights))


def _own_columns(weights: Tensor, insertions: Sequence[Insertion]) -> Tensor:
    is_own = torch.ones(weights.shape[-1], dtype=torch.bool, device=weights.device)
    added: list[Tensor] = []
    shift = 0
    for insertion in insertions:
        columns = slice(insertion.end + shift, insertion.end + shift + len(insertion.ids))
        is_own[columns] = False
        added.append(weights[..., columns].sum(-1, keepdim=True) / (insertion.end - insertion.start))
        shift += len(insertion.ids)
    own = weights[..., is_own]
    for insertion, extra in zip(insertions, added, strict=True):
        own[..., insertion.start : insertion.end] += extra
    return own
