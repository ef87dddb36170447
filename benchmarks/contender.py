"""regard as a contender in benchmarks: its public model, training step and search, on batches of a common format.

A benchmark creates one `Contender` per task and variant, passes it batches of ids (`src` (B, S) with eos, `src_len`
(B,), `tgt` (B, T + 1) with bos and eos, `ntok`), and times it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import torch
from torch import Tensor

from regard.attention.additive import additive_scores
from regard.attention.kernels import masked_softmax, weighted_sum
from regard.config.schema import AttentionConfig, Config, ModelConfig, RNNConfig, TransformerConfig
from regard.interop.ctranslate2.engine import CTranslate2Engine
from regard.interop.ctranslate2.spec import all_pieces, fill_spec
from regard.model.build import build_model
from regard.model.packing import pack_for_search
from regard.model.seq2seq import Seq2Seq
from regard.search.beam import BeamOptions, beam_search
from regard.search.greedy import greedy_search
from regard.search.parallel import in_parallel
from regard.store import StoredModel
from regard.text.subword import Subword
from regard.train.allocator import keep_freed_memory
from regard.train.optimizer import Updater
from regard.train.precision import choose_precision
from regard.train.step import TrainingStep
from regard.values import Batch, Specials

VOCAB = 8000
SPECIALS = Specials(unk=0, pad=1, bos=2, eos=3)
RATE = 5e-4
RNN = RNNConfig(
    cell="lstm", embed_size=256, hidden_size=512, encoder_layers=1, decoder_layers=1, dropout=0.1, tie_embeddings=False
)
MODELS: dict[str, ModelConfig] = {
    "T1": TransformerConfig(width=256, ff_size=1024, heads=4, encoder_layers=3, decoder_layers=3, dropout=0.1),
    "T2": RNN.model_copy(update={"decoder": "bahdanau", "attention": AttentionConfig(score="additive")}),
    "T2-luong-feed": RNN.model_copy(
        update={"decoder": "luong", "input_feeding": True, "attention": AttentionConfig(score="additive")}
    ),
    "T3": RNN.model_copy(update={"decoder": "luong", "attention": AttentionConfig(score="general")}),
    "T3-feed": RNN.model_copy(
        update={"decoder": "luong", "input_feeding": True, "attention": AttentionConfig(score="general")}
    ),
}
"""Models that every toolkit supports: 3 + 3 layers of width 256, or untied RNNs (encoder 2 x 256, decoder 512)."""


class ForeignBatch(TypedDict):
    """A batch in the common format; `ntok` counts target tokens without padding."""

    src: Tensor
    src_len: Tensor
    tgt: Tensor
    ntok: int


class Contender:
    """One model of regard.

    Args:
        task: `T1` (Transformer), `T2` (RNN, additive), `T3` (RNN, general).
        variant: Parts joined by `-`: `default` (precision as regard chooses it on this machine), `fp32`, `best` (the
            fastest engine for searches); `feed` selects the Luong decoder with input feeding; `bf16` and `int8` set the
            precision of searches.
    """

    def __init__(self, task: str, variant: str = "default") -> None:
        keep_freed_memory()
        parts = variant.split("-")
        name = {"T2": "T2-luong-feed", "T3": "T3-feed"}.get(task, task) if "feed" in parts else task
        config = MODELS[name]
        torch.manual_seed(1)
        self.model = build_model(config, src_vocab=VOCAB, tgt_vocab=VOCAB, shared=True, specials=SPECIALS)
        transformer = isinstance(config, TransformerConfig)
        self.precision = choose_precision(
            "float32" if "fp32" in parts else "auto",
            "cpu",
            rows=2048 if transformer else 128,
            width=config.width if isinstance(config, TransformerConfig) else config.hidden_size,
        )
        updater = Updater(self.model, betas=(0.9, 0.999))
        self.step = TrainingStep(self.model, updater, self.precision)
        self.config = config
        self.num_updates = 0
        self.fast: Seq2Seq | None = None  # for searches, until the weights change
        self.engine: CTranslate2Engine | None = None
        self.best = "best" in parts and transformer
        self.search_precision = "bfloat16" if "bf16" in parts else "int8" if "int8" in parts else "float32"

    def prepare(self, batch: ForeignBatch) -> Batch:
        """Converts a batch to regard's format; not timed."""
        tgt_in, tgt_out = batch["tgt"][:, :-1], batch["tgt"][:, 1:]
        tgt_len = tgt_out.ne(SPECIALS.pad).sum(1)
        # Positions after the last word are padding for the decoder, too.
        tgt_in = tgt_in.masked_fill(torch.arange(tgt_in.shape[1]) >= tgt_len[:, None], SPECIALS.pad)
        indices = tuple(range(len(batch["src"])))
        return Batch(batch["src"], batch["src_len"], tgt_in, tgt_out.contiguous(), tgt_len, indices, batch["ntok"])

    def train_step(self, batch: Batch) -> float:
        """Forward, backward and update; returns the mean loss per target token."""
        self.model.train()
        self.fast = None
        self.num_updates += 1
        return float(self.step([batch], RATE, update=self.num_updates).loss) / batch.num_tgt_tokens

    def decode(self, batch: ForeignBatch, beam: int, max_len: int, min_len: int = 0) -> list[list[int]]:
        """Translates a batch; returns ids without eos, in row order."""
        if self.fast is None:
            self.fast = pack_for_search(self.model, self.search_precision)
        limit = torch.full((len(batch["src"]),), _limit(max_len, min_len))
        if beam == 1:
            hypotheses = greedy_search(
                self.fast, batch["src"], batch["src_len"], max_len=limit, specials=SPECIALS, min_len=min_len
            )
        else:
            options = BeamOptions(beam=beam, min_len=min_len)
            n_best = beam_search(
                self.fast, batch["src"], batch["src_len"], max_len=limit, specials=SPECIALS, options=options
            )  # fmt: skip
            hypotheses = [ranked[0] for ranked in n_best]
        return [[token for token in hypothesis.ids if token != SPECIALS.eos][:max_len] for hypothesis in hypotheses]

    def decode_list(
        self, batches: list[tuple[list[int], ForeignBatch]], beam: int, lens: list[tuple[int, int]]
    ) -> list[list[int]]:
        """Translates batches in parallel, in corpus order; `lens` holds (maximum, minimum) tokens per batch."""
        if self.best:
            return self._by_ctranslate2(batches, beam, lens)
        if self.fast is None:
            self.fast = pack_for_search(self.model, self.search_precision)
        jobs = [(batch, beam, most, least) for (_, batch), (most, least) in zip(batches, lens, strict=True)]
        by_row: dict[int, list[int]] = {}
        for (rows, _), ids in zip(batches, in_parallel(lambda job: self.decode(*job), jobs), strict=True):
            by_row.update(zip(rows, ids, strict=True))
        return [by_row[row] for row in sorted(by_row)]

    def _by_ctranslate2(
        self, batches: list[tuple[list[int], ForeignBatch]], beam: int, lens: list[tuple[int, int]]
    ) -> list[list[int]]:
        """Translates with CTranslate2, the fastest engine for Transformers, through regard's interface."""
        if self.engine is None:
            words = _numbers()
            stored = StoredModel(self.model.eval(), Config(model=self.config), words, words, None)  # type: ignore[arg-type]
            with tempfile.TemporaryDirectory() as directory:  # the engine loads it into memory
                spec = fill_spec(stored)
                spec.validate()
                spec.optimize(quantization="int8")
                spec.save(directory)
                pieces = all_pieces(words)
                self.engine = CTranslate2Engine(directory, pieces, pieces, specials=SPECIALS, device="cpu")
        engine = self.engine

        def translate(job: tuple[ForeignBatch, int, int]) -> list[list[int]]:
            batch, most, least = job
            rows = zip(batch["src"].tolist(), batch["src_len"].tolist(), strict=True)
            sources = [row[: length - 1] for row, length in rows]
            options = BeamOptions(beam=beam, min_len=least)
            limits = [_limit(most, least)] * len(sources)
            n_best = engine.search(sources, limits, options, need_weights=False, need_scores=False)
            return [[token for token in ranked[0].ids if token != SPECIALS.eos][:most] for ranked in n_best]

        jobs = [(batch, most, least) for (_, batch), (most, least) in zip(batches, lens, strict=True)]
        by_row: dict[int, list[int]] = {}
        # Twice as many workers as threads, so that a batch is always waiting.
        for (rows, _), ids in zip(batches, in_parallel(translate, jobs, workers=4), strict=True):
            by_row.update(zip(rows, ids, strict=True))
        return [by_row[row] for row in sorted(by_row)]

    def save(self, path: str) -> None:
        """Saves the weights to a file."""
        from safetensors.torch import save_file

        save_file({name: weight.contiguous() for name, weight in self.model.state_dict().items()}, path)

    def load(self, path: str) -> None:
        """Loads the weights from a file."""
        from safetensors.torch import load_file

        self.model.load_state_dict(load_file(path))
        self.fast = None


def _limit(most: int, least: int) -> int:
    """Maximum number of tokens, plus one for eos unless the length is forced."""
    return most + (least < most)


def _numbers() -> Subword:
    """A vocabulary whose words are numbers, for batches that consist of ids only."""

    @dataclass(frozen=True)
    class Decoded:
        pieces: tuple[str, ...]

    class Numbers:
        specials = SPECIALS

        def __len__(self) -> int:
            return VOCAB

        def decode(self, ids: Sequence[int]) -> Decoded:
            specials = ("<unk>", "<pad>", "<s>", "</s>")
            return Decoded(tuple(specials[i] if i < len(specials) else str(i) for i in ids))

    return Numbers()  # type: ignore[return-value]


def additive_attention(
    query: Tensor, key: Tensor, value: Tensor, W: Tensor, U: Tensor, v: Tensor, mask: Tensor
) -> Tensor:
    """Attention with the score `v · tanh(query W + key U)`.

    Args:
        query: `(B, T, D)`.
        key: `(B, S, D)`.
        value: `(B, S, D)`.
        W: `(D, D)`.
        U: `(D, D)`.
        v: `(D,)`.
        mask: `(B, 1, S)` bool, True = may attend.

    Returns:
        `(B, T, D)`.
    """
    scores = additive_scores((query @ W)[:, None], (key @ U)[:, None], v[None])
    return weighted_sum(masked_softmax(scores, mask[:, None]), value[:, None])[:, 0]
