"""Validation in training: the loss over all held-out pairs; BLEU, chrF and sharpness of attention of some of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from regard.config.schema import Config
from regard.data.bucket import BatchPlan
from regard.data.collate import collate
from regard.data.corpus import Corpus
from regard.evaluate.scores import corpus_bleu, corpus_chrf
from regard.evaluate.tokenizers import choose_tokenizer
from regard.inspection.measures import entropy, sharpness
from regard.model.seq2seq import Seq2Seq
from regard.search.greedy import greedy_search
from regard.text.subword import Subword
from regard.train.reporter import Sample, Validation
from regard.train.validation import corpus_loss
from regard.values import Batch

SENTENCES_AT_ONCE = 128
NUM_SAMPLES = 3
WATCHED = 32
"""Sentences whose attention is measured."""


class TranslatingValidator:
    """Takes the loss of all validation pairs and translates some of them greedily.

    Args:
        corpus: The validation pairs.
        tgt_subword: The target's vocabulary.
        config: Batch size, label smoothing, number of sentences, length limits.
        device: Where the model is.
    """

    def __init__(self, corpus: Corpus, tgt_subword: Subword, *, config: Config, device: str) -> None:
        self.corpus = corpus
        self.tgt_subword = tgt_subword
        self.config = config
        self.device = device
        self.tokenizer = choose_tokenizer([pair.tgt for pair in corpus.pairs], config.train.bleu_tokenize)
        self.positions = config.model.num_positions
        src_lens, tgt_lens = corpus.src_lens + 1, corpus.tgt_lens + 1
        tokens = config.train.batch_tokens or 4096
        self.batches = BatchPlan(src_lens, tgt_lens, batch_tokens=tokens, seed=0).epoch(0)
        # Evenly spread over the corpus, then by length, so that little is padded.
        count = min(len(corpus), config.train.validate_sentences)
        spread = np.linspace(0, len(corpus) - 1, count).round().astype(np.int64)
        self.sample_rows = spread[np.linspace(0, count - 1, min(NUM_SAMPLES, count)).round().astype(np.int64)].tolist()
        self.rows = spread[np.argsort(src_lens[spread], kind="stable")].tolist()

    def __call__(self, model: Seq2Seq, *, check: Callable[[], None]) -> Validation:
        """See `regard.train.validation.Validator`."""
        begun = time.perf_counter()
        loss, nll = corpus_loss(
            model,
            self._batches(model),
            label_smoothing=self.config.train.label_smoothing,
            device=self.device,
            check=check,
        )
        translations = self._translate(model, check)
        pairs = self.corpus.pairs
        said, wanted = [translations[row] for row in self.rows], [pairs[row].tgt for row in self.rows]
        samples = tuple(Sample(pairs[row].src, translations[row], pairs[row].tgt) for row in self.sample_rows)
        spread = self._spread(model) or (None, None)
        seconds = time.perf_counter() - begun
        bleu = corpus_bleu(said, wanted, tokenize=self.tokenizer)
        return Validation(loss, nll, bleu, corpus_chrf(said, wanted), samples, seconds, *spread)

    def _spread(self, model: Seq2Seq) -> tuple[float, float] | None:
        """Mean entropy and sharpness of all rows of all layers and heads, reading given translations."""
        rows = self.rows[:: max(1, len(self.rows) // WATCHED)][:WATCHED]
        src, tgt = [self.corpus.src_ids(row) for row in rows], [self.corpus.tgt_ids(row) for row in rows]
        batch = collate(src, tgt, specials=model.specials).to(self.device)
        with torch.inference_mode():
            layers = [layer.cpu() for layer in model(batch, need_weights=True).weights]
        sums = torch.zeros(3, dtype=torch.float64)
        for row, (num_src, num_tgt) in enumerate(zip(batch.src_len.tolist(), batch.tgt_len.tolist(), strict=True)):
            for layer in layers:
                weights = layer[row, :, :num_tgt, :num_src].float()  # (H, T, S)
                measured = entropy(weights), sharpness(weights)
                sums += torch.tensor([*(float(one.sum()) for one in measured), measured[0].numel()])
        total_entropy, total_sharpness, count = sums.tolist()
        return (total_entropy / count, total_sharpness / count) if count else None

    def _batches(self, model: Seq2Seq) -> Iterator[Batch]:
        for rows in self.batches:
            src, tgt = [self.corpus.src_ids(row) for row in rows], [self.corpus.tgt_ids(row) for row in rows]
            yield collate(src, tgt, specials=model.specials)

    def _translate(self, model: Seq2Seq, check: Callable[[], None]) -> dict[int, str]:
        found: dict[int, str] = {}
        limits = self.config.search
        for start in range(0, len(self.rows), SENTENCES_AT_ONCE):
            check()
            rows = self.rows[start : start + SENTENCES_AT_ONCE]
            batch = collate([self.corpus.src_ids(row) for row in rows], None, specials=model.specials).to(self.device)
            longest = (batch.src_len * limits.max_len_ratio).long() + limits.max_len_offset
            longest = longest.clamp(max=self.positions)
            with torch.inference_mode():
                hypotheses = greedy_search(
                    model, batch.src_ids, batch.src_len, max_len=longest, specials=model.specials
                )
            for row, one in zip(rows, hypotheses, strict=True):
                ids = one.ids[:-1] if one.finished else one.ids
                found[row] = self.tgt_subword.decode(ids).text
        return found
