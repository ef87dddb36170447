"""Evaluation of translations: BLEU, chrF and TER of a corpus, and by source length."""
