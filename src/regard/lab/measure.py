"""What is measured of a trained model: translations, likelihood, alignment, gradients, attention."""

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
from regard.lab.result import Measured, Sentence
from regard.lab.schema import MeasureConfig
from regard.store import StoredModel
from regard.text.words import word_of_piece
from regard.translation.aligner import ReadoutOptions, choose_readout
from regard.translation.result import Translation
from regard.translation.translator import Translator
from regard.values import Encoding

FEWEST_WORDS = 10
"""Source words of a sentence whose gradients are measured: shorter ones say nothing of distance."""
_NEAR = 2
"""Subwords from the diagonal within which a target word's source is looked for, where there are no gold links."""


def measure(translator: Translator, corpus: LabCorpus, config: MeasureConfig) -> Measured:
    """Measures a trained model on the test text.

    Args:
        translator: The model.
        corpus: Of the lab.
        config: What to measure.

    Returns:
        Everything that the report needs.
    """
    sources, references, gold = corpus.lines("test.src"), corpus.lines("test.tgt"), corpus.gold()
    begun = time.perf_counter()
    translations = translator.translate(sources, beam=config.beam)
    speed = len(sources) / (time.perf_counter() - begun)
    read = translator.score(sources, references)
    readout = find_readout(translator, corpus)
    chosen = config.sentences or typical_pairs(sources, references)
    drawn = translator.score([src for src, _ in chosen], [tgt for _, tgt in chosen])
    return Measured(
        sentences=tuple(_sentences(translations, read, readout, gold)),
        sentences_per_second=speed,
        vocabulary=translator.tgt_subword.fingerprint(),
        layer=None if readout is None else readout.layer,
        head=None if readout is None else readout.head,
        shifted=readout is not None and readout.shifted,
        gradients=tuple(gradients(translator.models[0], sources, references, gold, most=config.gradients)),
        attention=tuple(one.attention.to_dict() for one in drawn if one.attention is not None),
    )


def find_readout(translator: Translator, corpus: LabCorpus) -> Readout | None:
    """Which layer and head to read: found on the validation text without gold links, so that none is favored.

    Args:
        translator: The model.
        corpus: Of the lab.

    Returns:
        How to read its attention; None where it has none.
    """
    try:
        found, _ = choose_readout(translator, corpus.lines("val.src"), corpus.lines("val.tgt"), ReadoutOptions())
    except DataError:
        return None
    probe = translator.score(corpus.lines("val.src")[:1], corpus.lines("val.tgt")[:1])
    return found if probe[0].attention is not None else None


def typical_pairs(sources: Sequence[str], references: Sequence[str]) -> list[tuple[str, str]]:
    """Three pairs to draw: the first with about 6, 11 and 18 source words.

    Args:
        sources: Test sentences.
        references: Their translations.

    Returns:
        Different pairs, fewer where there are not as many.
    """
    lengths = [len(source.split()) for source in sources]
    rows = [min(range(len(lengths)), key=lambda row: abs(lengths[row] - wanted)) for wanted in (6, 11, 18)]
    return [(sources[row], references[row]) for row in dict.fromkeys(rows)]


def _sentences(
    translations: Sequence[Translation], read: Sequence[Translation], readout: Readout | None, gold: Gold | None
) -> Iterator[Sentence]:
    for row, (translation, one) in enumerate(zip(translations, read, strict=True)):
        counts = None
        if gold is not None and readout is not None and one.attention is not None:
            scores = alignment_error_rate([readout.links(one.attention)], [gold[row].sure], [gold[row].possible])
            counts = (scores.num_guessed, scores.num_sure, scores.num_in_sure, scores.num_in_possible)
        yield Sentence(translation.text, -one.score, len(one.tokens) + 1, counts)


def gradients(
    stored: StoredModel, sources: Sequence[str], references: Sequence[str], gold: Gold | None, *, most: int
) -> Iterator[tuple[int, float]]:
    """How strongly a target word's probability pulls at its source word, by the distance between the two.

    The distance is that of the shortest way without attention: recurrent steps from the source word to the nearer end
    of the source, where a bidirectional encoder hands over, and from the start of the target to the target word.

    Args:
        stored: The model.
        sources: Test sentences.
        references: Their translations.
        gold: Which words belong together; None = those nearest to the diagonal.
        most: Sentences to look at, of at least `FEWEST_WORDS` words.

    Yields:
        Distance in subwords, and norm of the gradient.
    """
    rows = [row for row, source in enumerate(sources) if len(source.split()) >= FEWEST_WORDS]
    for row in rows[:: max(1, len(rows) // max(1, most))][:most]:
        src, tgt = stored.src_subword.encode(sources[row]), stored.tgt_subword.encode(references[row])
        if max(len(src.ids), len(tgt.ids)) >= stored.config.model.num_positions:
            continue
        batch = collate([src.ids], [tgt.ids], specials=stored.tgt_subword.specials)
        norms = source_gradients(stored.model, batch.to(str(stored.model.output_weight.device)))[0].cpu()  # (T, S)
        pairs = _diagonal(src, tgt) if gold is None else _linked(src, tgt, gold[row].sure)
        for t, places in pairs:
            steps = min(min(at, len(src.ids) - at) for at in places) + t
            norm = max(float(norms[t, at]) for at in places)
            if math.isfinite(norm):
                yield steps, norm


def _linked(src: Encoding, tgt: Encoding, links: Sequence[tuple[int, int]]) -> Iterator[tuple[int, list[int]]]:
    """First subword of a target word, and all of its source word."""
    src_words, tgt_words = word_of_piece(src), word_of_piece(tgt)
    for i, j in links:
        yield tgt_words.index(j), [at for at, word in enumerate(src_words) if word == i]


def _diagonal(src: Encoding, tgt: Encoding) -> Iterator[tuple[int, list[int]]]:
    for t in range(len(tgt.ids)):
        middle = round(t * (len(src.ids) - 1) / max(1, len(tgt.ids) - 1))
        yield t, [at for at in range(middle - _NEAR, middle + _NEAR + 1) if 0 <= at < len(src.ids)]
