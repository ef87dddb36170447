"""Validation during training: the loss of all validation pairs, and BLEU, chrF and attention sharpness of some."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import cast

import numpy as np
import torch

from regard.config.resolved import DerivedConfig
from regard.data.bucket import BatchPlan
from regard.data.collate import collate
from regard.data.corpus import Corpus
from regard.evaluate.scores import corpus_bleu, corpus_chrf
from regard.evaluate.tokenizers import choose_tokenizer
from regard.inspection.measures import entropy, sharpness
from regard.model.seq2seq import Seq2Seq
from regard.search.greedy import greedy_search
from regard.store.checkpoint import Plain
from regard.text.subword import Subword
from regard.text.tags import tagged_language
from regard.train.reporter import Sample, Validation
from regard.train.validation import corpus_loss
from regard.train.workers import Workers
from regard.values import Batch

SENTENCES_AT_ONCE = 128
"""Number of sentences that are translated in a batch."""
NUM_SAMPLES = 3
"""Number of translations that are shown to the user."""
NUM_ATTENTION_SENTENCES = 32
"""Approximate number of sentences whose attention is measured."""


class TranslatingValidator:
    """Validator that computes the loss of all validation pairs, and translates some of them with greedy search.

    Args:
        corpus: Validation pairs.
        tgt_subword: Target subword model.
        config: Configuration, which gives batch size, label smoothing, number of sentences to translate, and length
            limits.
        device: Device of the model.
        workers: All workers, which share the work; None = this is the only one.
    """

    def __init__(
        self,
        corpus: Corpus,
        tgt_subword: Subword,
        *,
        config: DerivedConfig,
        device: str,
        workers: Workers | None = None,
    ) -> None:
        self.corpus = corpus
        self.tgt_subword = tgt_subword
        self.config = config
        self.device = device
        self.workers = workers or Workers()
        self.tokenizer = choose_tokenizer([pair.tgt for pair in corpus.pairs], config.train.bleu_tokenize)
        self.positions = config.model.num_positions
        src_lens, tgt_lens = corpus.src_lens + 1, corpus.tgt_lens + 1
        self.batches = BatchPlan(src_lens, tgt_lens, batch_tokens=config.train.batch_tokens, seed=0).epoch(0)
        # Evenly spread over the corpus, then sorted by length, so that there is little padding.
        count = min(len(corpus), config.train.validate_sentences)
        spread = np.linspace(0, len(corpus) - 1, count).round().astype(np.int64)
        self.sample_rows = spread[np.linspace(0, count - 1, min(NUM_SAMPLES, count)).round().astype(np.int64)].tolist()
        self.rows = spread[np.argsort(src_lens[spread], kind="stable")].tolist()

    def __call__(self, model: Seq2Seq, *, check: Callable[[], None]) -> Validation:
        """Computes loss, BLEU, chrF and attention measures of a model on the validation pairs.

        Args:
            model: The model, in evaluation mode.
            check: Function that is called regularly, and raises `Interrupted` if a stop was requested.

        Returns:
            The measures, with sample translations.
        """
        start = time.perf_counter()
        loss, nll = corpus_loss(
            model,
            self._batches(model, check),
            label_smoothing=self.config.train.label_smoothing,
            device=self.device,
            workers=self.workers,
        )
        translations: dict[int, str] = {}
        for part in self.workers.gather(self._translate(model, check)):
            translations.update(cast("list[tuple[int, str]]", part))
        # Scores are those of all translations, computed once: a mean of the workers' scores would be another number.
        scores = self._scores(model, translations) if self.workers.is_first else None
        by_language = self._by_language(translations) if self.workers.is_first else ()
        bleu, chrf, entropy, sharpness = cast("list[float | None]", self.workers.from_first(scores))
        pairs = self.corpus.pairs
        samples = tuple(Sample(pairs[row].src, translations[row], pairs[row].tgt) for row in self.sample_rows)
        seconds = time.perf_counter() - start
        return Validation(loss, nll, bleu, chrf, samples, seconds, entropy, sharpness, by_language)

    def _by_language(self, translations: dict[int, str]) -> tuple[tuple[str, float, float], ...]:
        """BLEU and chrF per target language, if tags before the sources name several."""
        rows: dict[str, list[int]] = {}
        for row in self.rows:
            language = tagged_language(self.corpus.pairs[row].src.partition(" ")[0])
            if language is not None:
                rows.setdefault(language, []).append(row)
        if len(rows) < 2:
            return ()
        results = []
        for language, own in sorted(rows.items()):
            hypotheses, references = [translations[row] for row in own], [self.corpus.pairs[row].tgt for row in own]
            bleu = corpus_bleu(hypotheses, references, tokenize=self.tokenizer)
            results.append((language, bleu, corpus_chrf(hypotheses, references)))
        return tuple(results)

    def _scores(self, model: Seq2Seq, translations: dict[int, str]) -> list[Plain]:
        """BLEU, chrF, and entropy and sharpness of the attention."""
        hypotheses = [translations[row] for row in self.rows]
        references = [self.corpus.pairs[row].tgt for row in self.rows]
        bleu = corpus_bleu(hypotheses, references, tokenize=self.tokenizer)
        return [bleu, corpus_chrf(hypotheses, references), *(self._attention(model) or (None, None))]

    def _attention(self, model: Seq2Seq) -> tuple[float, float] | None:
        """Mean entropy and sharpness of the attention to the source over all layers and heads, for the references."""
        rows = self.rows[:: max(1, len(self.rows) // NUM_ATTENTION_SENTENCES)][:NUM_ATTENTION_SENTENCES]
        src, tgt = [self.corpus.src_ids(row) for row in rows], [self.corpus.tgt_ids(row) for row in rows]
        batch = collate(src, tgt, specials=model.specials).to(self.device)
        with torch.inference_mode():
            layers = [layer.cpu() for layer in model(batch, need_weights=True).weights]
        sums = torch.zeros(3, dtype=torch.float64)
        for row, (num_src, num_tgt) in enumerate(zip(batch.src_len.tolist(), batch.tgt_len.tolist(), strict=True)):
            for layer in layers:
                weights = layer[row, :, :num_tgt, :num_src].float()  # (H, T, S)
                entropies, sharpnesses = entropy(weights), sharpness(weights)
                sums += torch.tensor([float(entropies.sum()), float(sharpnesses.sum()), entropies.numel()])
        total_entropy, total_sharpness, count = sums.tolist()
        return (total_entropy / count, total_sharpness / count) if count else None

    def _batches(self, model: Seq2Seq, check: Callable[[], None]) -> Iterator[Batch]:
        """This worker's share of the batches."""
        for rows in self.workers.share(self.batches, check):
            src, tgt = [self.corpus.src_ids(row) for row in rows], [self.corpus.tgt_ids(row) for row in rows]
            yield collate(src, tgt, specials=model.specials)

    def _translate(self, model: Seq2Seq, check: Callable[[], None]) -> list[Plain]:
        """This worker's share of the translations, as pairs of row and text."""
        translations: list[Plain] = []
        limits = self.config.search
        for start in self.workers.share(range(0, len(self.rows), SENTENCES_AT_ONCE), check):
            rows = self.rows[start : start + SENTENCES_AT_ONCE]
            batch = collate([self.corpus.src_ids(row) for row in rows], None, specials=model.specials).to(self.device)
            max_len = (batch.src_len * limits.max_len_ratio).long() + limits.max_len_offset
            max_len = max_len.clamp(max=self.positions)
            with torch.inference_mode():
                hypotheses = greedy_search(
                    model, batch.src_ids, batch.src_len, max_len=max_len, specials=model.specials
                )
            for row, hypothesis in zip(rows, hypotheses, strict=True):
                ids = hypothesis.ids[:-1] if hypothesis.finished else hypothesis.ids
                translations.append([row, self.tgt_subword.decode(ids).text])
        return translations
