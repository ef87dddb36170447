"""Selection of a trained model's readout: the layer and head whose attention gives the word links."""

from __future__ import annotations

from regard.alignment.readout import guided_readout
from regard.data.corpus import Corpus
from regard.store import StoredModel
from regard.store.manifest import StoredReadout
from regard.translation.aligner import rank_readouts
from regard.translation.translator import Translator

NUM_PAIRS = 200
"""Largest number of validation pairs on which the readout is selected."""


def select_readout(stored: StoredModel, validation: Corpus) -> StoredReadout | None:
    """Selects the layer and head from whose attention a trained model's word links are derived.

    Args:
        stored: The trained model.
        validation: Validation pairs.

    Returns:
        If word links guided the attention in training, the layer and head that they guided. Otherwise the layer and
        head whose links on the validation pairs make the best bilingual dictionary. None if the model has at most one
        attention matrix, or if there are too few pairs to select from.
    """
    guided = guided_readout(stored.config)
    if guided is not None:
        return guided.to_stored()
    if stored.config.model.num_attention_matrices <= 1:
        return None
    pairs = validation.pairs[:NUM_PAIRS]
    translator = Translator.of([stored])
    sources, targets = [pair.src for pair in pairs], [pair.tgt for pair in pairs]
    candidates = rank_readouts(translator, sources, targets, readout=translator.readout)
    return candidates[0].readout.to_stored() if candidates and candidates[0].score else None
