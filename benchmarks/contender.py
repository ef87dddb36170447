"""regard as a contender beside other toolkits: the public model, training step and search, on foreign batches.

A driver that holds several toolkits side by side makes one `Contender` for each task and variant, hands it
batches of ids (`src` (B, S) with eos, `src_len` (B,), `tgt` (B, T + 1) with bos and eos, `ntok`), and times it.
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
from regard.model.fast import for_search
from regard.model.seq2seq import Seq2Seq
from regard.search.beam import BeamOptions, beam_search
from regard.search.greedy import greedy_search
from regard.search.workers import in_parallel
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
"""Sizes that every toolkit can build: 3 + 3 layers of 256, or 2 x 256 below 512; nothing tied in the RNNs."""


class ForeignBatch(TypedDict):
    """A batch as the driver makes it."""

    src: Tensor
    src_len: Tensor
    tgt: Tensor
    ntok: int


class Contender:
    """One model of ours.

    Args:
        task: `T1` (Transformer), `T2` (RNN, additive), `T3` (RNN, general).
        variant: `default` (as regard chooses on this machine), `fp32`, `best`; with `feed` or `luong-feed` among
            its parts, which are joined by `-`, the Luong decoder with input feeding.
    """

    def __init__(self, task: str, variant: str = "default") -> None:
        keep_freed_memory()
        parts = variant.split("-")
        name = {"T2": "T2-luong-feed", "T3": "T3-feed"}.get(task, task) if "feed" in parts else task
        config = MODELS[name]
        torch.manual_seed(1)
        self.model = build_model(config, src_vocab=VOCAB, tgt_vocab=VOCAB, shared=True, specials=SPECIALS)
        wanted = "float32" if "fp32" in parts else "auto"
        transformer = isinstance(config, TransformerConfig)
        self.precision = choose_precision(
            wanted, "cpu", rows=2048 if transformer else 128, width=config.width if transformer else config.hidden_size
        )
        updater = Updater(self.model, betas=(0.9, 0.999))
        self.step = TrainingStep(self.model, updater, self.precision)
        self.config = config
        self.fast: Seq2Seq | None = None  # for searches, as long as the weights stay
        self.engine: CTranslate2Engine | None = None
        self.best = "best" in parts and transformer
        self.search_precision = "bfloat16" if "bf16" in parts else "int8" if "int8" in parts else "float32"

    def prepare(self, batch: ForeignBatch) -> Batch:
        """Our form of a batch; not timed."""
        tgt_in, tgt_out = batch["tgt"][:, :-1], batch["tgt"][:, 1:]
        tgt_len = tgt_out.ne(SPECIALS.pad).sum(1)
        # What follows the last word is padding for the decoder too.
        tgt_in = tgt_in.masked_fill(torch.arange(tgt_in.shape[1]) >= tgt_len[:, None], SPECIALS.pad)
        indices = tuple(range(len(batch["src"])))
        return Batch(batch["src"], batch["src_len"], tgt_in, tgt_out.contiguous(), tgt_len, indices, batch["ntok"])

    def train_step(self, batch: Batch) -> float:
        """Forward, backward, update; the mean loss a target token."""
        self.model.train()
        self.fast = None
        return float(self.step([batch], RATE).loss) / batch.num_tgt_tokens

    def decode(self, batch: ForeignBatch, beam: int, max_len: int, min_len: int = 0) -> list[list[int]]:
        """Ids without eos, in row order."""
        if self.fast is None:
            self.fast = for_search(self.model, self.search_precision)
        limit = torch.full((len(batch["src"]),), _limit(max_len, min_len))
        if beam == 1:
            found = greedy_search(
                self.fast, batch["src"], batch["src_len"], max_len=limit, specials=SPECIALS, min_len=min_len
            )
        else:
            options = BeamOptions(beam=beam, min_len=min_len)
            many = beam_search(
                self.fast, batch["src"], batch["src_len"], max_len=limit, specials=SPECIALS, options=options
            )  # fmt: skip
            found = [one[0] for one in many]
        return [[token for token in one.ids if token != SPECIALS.eos][:max_len] for one in found]

    def decode_list(
        self, batches: list[tuple[list[int], ForeignBatch]], beam: int, lens: list[tuple[int, int]]
    ) -> list[list[int]]:
        """All batches, several at once; `lens` holds the most and the least tokens of each. In the corpus's order."""
        if self.best:
            return self._by_ctranslate2(batches, beam, lens)
        if self.fast is None:
            self.fast = for_search(self.model, self.search_precision)
        jobs = [(batch, beam, most, least) for (_, batch), (most, least) in zip(batches, lens, strict=True)]
        found: dict[int, list[int]] = {}
        for (rows, _), ids in zip(batches, in_parallel(lambda job: self.decode(*job), jobs), strict=True):
            found.update(zip(rows, ids, strict=True))
        return [found[row] for row in sorted(found)]

    def _by_ctranslate2(
        self, batches: list[tuple[list[int], ForeignBatch]], beam: int, lens: list[tuple[int, int]]
    ) -> list[list[int]]:
        """The fastest engine on offer for a Transformer, through our own interface to it."""
        if self.engine is None:
            words = _numbers()
            stored = StoredModel(self.model.eval(), Config(model=self.config), words, words, None)  # type: ignore[arg-type]
            with tempfile.TemporaryDirectory() as place:  # it is read into memory at once
                spec = fill_spec(stored)
                spec.validate()
                spec.optimize(quantization="int8")
                spec.save(place)
                pieces = all_pieces(words)
                self.engine = CTranslate2Engine(place, pieces, pieces, specials=SPECIALS, device="cpu")
        engine = self.engine

        def translate(job: tuple[ForeignBatch, int, int]) -> list[list[int]]:
            batch, most, least = job
            rows = zip(batch["src"].tolist(), batch["src_len"].tolist(), strict=True)
            sources = [row[: length - 1] for row, length in rows]
            options = BeamOptions(beam=beam, min_len=least)
            limits = [_limit(most, least)] * len(sources)
            found = engine.search(sources, limits, options, need_weights=False, need_scores=False)
            return [[token for token in one[0].ids if token != SPECIALS.eos][:most] for one in found]

        jobs = [(batch, most, least) for (_, batch), (most, least) in zip(batches, lens, strict=True)]
        found: dict[int, list[int]] = {}
        # Twice as many as there are threads: while one is answered, the next one waits.
        for (rows, _), ids in zip(batches, in_parallel(translate, jobs, workers=4), strict=True):
            found.update(zip(rows, ids, strict=True))
        return [found[row] for row in sorted(found)]

    def save(self, path: str) -> None:
        """Weights to a file."""
        from safetensors.torch import save_file

        save_file({name: weight.contiguous() for name, weight in self.model.state_dict().items()}, path)

    def load(self, path: str) -> None:
        """Weights from a file."""
        from safetensors.torch import load_file

        self.model.load_state_dict(load_file(path))
        self.fast = None


def _limit(most: int, least: int) -> int:
    """Tokens with eos; where the length is forced nobody looks for an eos behind it."""
    return most + (least < most)


def _numbers() -> Subword:
    """A vocabulary whose words are numbers, for ids that come without one."""

    @dataclass(frozen=True)
    class Written:
        pieces: tuple[str, ...]

    class Numbers:
        specials = SPECIALS

        def __len__(self) -> int:
            return VOCAB

        def decode(self, ids: Sequence[int]) -> Written:
            named = ("<unk>", "<pad>", "<s>", "</s>")
            return Written(tuple(named[i] if i < len(named) else str(i) for i in ids))

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
