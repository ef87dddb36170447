"""Measurements of a trained model: translations, likelihood, alignment, gradients, attention."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

from regard.alignment.error_rate import alignment_error_rate
from regard.alignment.readout import Readout
from regard.data.collate import collate
from regard.errors import DataError
from regard.inspection.gradients import source_gradients
from regard.lab.corpus import Gold, LabCorpus
from regard.lab.result import Measurements, SentenceResult
from regard.lab.schema import MeasureConfig
from regard.store import StoredModel
from regard.text.words import word_of_piece
from regard.translation.aligner import ReadoutOptions, choose_readout
from regard.translation.result import Translation
from regard.translation.translator import Translator
from regard.values import Encoding

MIN_WORDS = 10
"""Minimum number of source words of a sentence whose gradients are measured: short sentences have no long distances."""
_DIAGONAL_WIDTH = 2
"""Without gold links, the source words of a target subword are assumed to lie within this distance from the diagonal,
in subwords."""


def measure(translator: Translator, corpus: LabCorpus, config: MeasureConfig) -> Measurements:
    """Measures a trained model on the lab's test text: translations, likelihood, alignment, gradients, attention.

    Args:
        translator: Translator with the trained model.
        corpus: Text of the lab.
        config: The `[measure]` section of the lab.

    Returns:
        All measurements that the report needs.
    """
    sources, references, gold = corpus.lines("test.src"), corpus.lines("test.tgt"), corpus.gold()
    start = time.perf_counter()
    translations = translator.translate(sources, beam=config.beam)
    speed = len(sources) / (time.perf_counter() - start)
    scored = translator.score(sources, references)
    readout = find_readout(translator, corpus)
    chosen = config.sentences or typical_pairs(sources, references)
    drawn = translator.score([src for src, _ in chosen], [tgt for _, tgt in chosen])
    return Measurements(
        sentences=tuple(_sentence_results(translations, scored, readout, gold)),
        sentences_per_second=speed,
        vocabulary=translator.tgt_subword.fingerprint(),
        layer=None if readout is None else readout.layer,
        head=None if readout is None else readout.head,
        shifted=readout is not None and readout.shifted,
        gradients=tuple(gradients(translator.models[0], sources, references, gold, most=config.gradients)),
        attention=tuple(pair.attention.to_dict() for pair in drawn if pair.attention is not None),
    )


def find_readout(translator: Translator, corpus: LabCorpus) -> Readout | None:
    """Selects the attention layer and head from which a model's word links are derived.

    They are selected on validation text, without gold links, so that no system has an advantage.

    Args:
        translator: Translator with the trained model.
        corpus: Text of the lab.

    Returns:
        The layer and head whose attention is read, at which decoding step (see `Readout.shifted`), and the rule that
        turns attention weights into links; None for a model without attention.
    """
    try:
        readout, _ = choose_readout(translator, corpus.lines("val.src"), corpus.lines("val.tgt"), ReadoutOptions())
    except DataError:
        return None
    probe = translator.score(corpus.lines("val.src")[:1], corpus.lines("val.tgt")[:1])
    return readout if probe[0].attention is not None else None


def typical_pairs(sources: Sequence[str], references: Sequence[str]) -> list[tuple[str, str]]:
    """Chooses three sentence pairs, of about 6, 11 and 18 source words, whose attention the report shows.

    Args:
        sources: Test sentences.
        references: Reference translation of each test sentence.

    Returns:
        Different sentence pairs; fewer than three if the test text is very small.
    """
    lengths = [len(source.split()) for source in sources]
    rows = [min(range(len(lengths)), key=lambda row: abs(lengths[row] - target)) for target in (6, 11, 18)]
    return [(sources[row], references[row]) for row in dict.fromkeys(rows)]


def _sentence_results(
    translations: Sequence[Translation], scored: Sequence[Translation], readout: Readout | None, gold: Gold | None
) -> Iterator[SentenceResult]:
    for row, (translation, reference) in enumerate(zip(translations, scored, strict=True)):
        counts = None
        if gold is not None and readout is not None and reference.attention is not None:
            scores = alignment_error_rate([readout.links(reference.attention)], [gold[row].sure], [gold[row].possible])
            counts = (scores.num_predicted, scores.num_sure, scores.num_in_sure, scores.num_in_possible)
        yield SentenceResult(translation.text, -reference.score, len(reference.tokens) + 1, counts)


def gradients(
    stored: StoredModel, sources: Sequence[str], references: Sequence[str], gold: Gold | None, *, most: int
) -> Iterator[tuple[int, float]]:
    """Gradient norms of the log-probability of target words with respect to the embeddings of their source words.

    Each norm comes with the distance between the two words: the number of recurrent steps on the shortest path without
    attention. The path leads from the source word to the nearer end of the source, since the decoder starts from the
    last states of a bidirectional encoder, and then from the start of the target to the target word.

    Args:
        stored: The trained model.
        sources: Test sentences.
        references: Reference translation of each test sentence.
        gold: Gold links, which determine the source words of a target word; None = for each target subword, the source
            subwords nearest to the same relative position in the sentence.
        most: Maximum number of sentences to measure; only those of at least `MIN_WORDS` source words are used.

    Yields:
        Distance in subwords, and norm of the gradient, for each pair of a target word and its source words.
    """
    rows = [row for row, source in enumerate(sources) if len(source.split()) >= MIN_WORDS]
    for row in rows[:: max(1, len(rows) // max(1, most))][:most]:
        src, tgt = stored.src_subword.encode(sources[row]), stored.tgt_subword.encode(references[row])
        if max(len(src.ids), len(tgt.ids)) >= stored.config.model.num_positions:
            continue
        batch = collate([src.ids], [tgt.ids], specials=stored.tgt_subword.specials)
        norms = source_gradients(stored.model, batch.to(str(stored.model.output_weight.device)))[0].cpu()  # (T, S)
        pairs = _diagonal(src, tgt) if gold is None else _linked(src, tgt, gold[row].sure)
        for t, positions in pairs:
            steps = min(min(s, len(src.ids) - s) for s in positions) + t
            norm = max(float(norms[t, s]) for s in positions)
            if math.isfinite(norm):
                yield steps, norm


def _linked(src: Encoding, tgt: Encoding, links: Sequence[tuple[int, int]]) -> Iterator[tuple[int, list[int]]]:
    """Position of the first subword of a target word, and those of all subwords of its source word."""
    src_words, tgt_words = word_of_piece(src), word_of_piece(tgt)
    for i, j in links:
        yield tgt_words.index(j), [s for s, word in enumerate(src_words) if word == i]


def _diagonal(src: Encoding, tgt: Encoding) -> Iterator[tuple[int, list[int]]]:
    for t in range(len(tgt.ids)):
        middle = round(t * (len(src.ids) - 1) / max(1, len(tgt.ids) - 1))
        first, last = middle - _DIAGONAL_WIDTH, middle + _DIAGONAL_WIDTH
        yield t, [s for s in range(first, last + 1) if 0 <= s < len(src.ids)]
