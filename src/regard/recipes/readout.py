"""The readout of a trained model: the layer and head from which its word links are read."""

from __future__ import annotations

from regard.alignment.readout import known_readout
from regard.data.corpus import Corpus
from regard.store import StoredModel
from regard.store.manifest import StoredReadout
from regard.translation.aligner import rank_readouts
from regard.translation.translator import Translator

NUM_PAIRS = 200
"""Validation pairs on which the readout is selected, at most."""


def select_readout(stored: StoredModel, validation: Corpus) -> StoredReadout | None:
    """Selects the readout of a model after training.

    Args:
        stored: The trained model.
        validation: Validation pairs.

    Returns:
        The guided head, if links guided the training; otherwise the layer and head whose links on validation pairs
        make the best dictionary. None for a model with one attention matrix or none, which has nothing to select, or
        with too few pairs.
    """
    known = known_readout(stored.config, None)
    if known is not None:
        return known.to_stored()
    if stored.config.model.num_attention_matrices <= 1:
        return None
    pairs = validation.pairs[:NUM_PAIRS]
    translator = Translator.of([stored])
    sources, targets = [pair.src for pair in pairs], [pair.tgt for pair in pairs]
    candidates = rank_readouts(translator, sources, targets, readout=translator.readout)
    return candidates[0].readout.to_stored() if candidates and candidates[0].score else None
