"""A tiny corpus, model and reporter for the trainings in these tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from regard.config.resolved import ResolvedTrainConfig
from regard.config.schema import AttentionConfig, RNNConfig
from regard.data.corpus import Corpus, Ragged
from regard.data.stream import BatchStream
from regard.model.build import build_model
from regard.model.seq2seq import Seq2Seq
from regard.train.loop import Trainer
from regard.train.precision import Precision
from regard.train.reporter import StepReport, TrainingPlan, Validation
from regard.train.workers import Workers
from regard.values import Specials

VOCAB = 20


def corpus(count: int = 40, seed: int = 7) -> Corpus:
    """Sources of random ids, each with itself as its translation."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 9, (count,), generator=generator).tolist()
    rows = [torch.randint(4, VOCAB, (length,), generator=generator).tolist() for length in lengths]
    return Corpus(Ragged.from_rows(rows), Ragged.from_rows(rows), ())


def stream(seed: int = 1, batch_tokens: int = 64) -> BatchStream:
    return BatchStream(corpus(), batch_tokens=batch_tokens, seed=seed, specials=Specials())


def model(seed: int = 1) -> Seq2Seq:
    torch.manual_seed(seed)
    config = RNNConfig(
        decoder="bahdanau",
        cell="gru",
        embed_size=8,
        hidden_size=12,
        dropout=0.3,
        attention=AttentionConfig(score="additive"),
    )
    return build_model(config, src_vocab=VOCAB, tgt_vocab=VOCAB, shared=True)


def options(**changes: object) -> ResolvedTrainConfig:
    resolved = {"steps": 12, "batch_tokens": 64, "validate_every": 4, "threads": 1, "precision": "float32"}
    defaults = {"warmup": 2, "learning_rate": 1e-2, "keep": 2, "average": "none"}
    return ResolvedTrainConfig.model_validate(
        {**resolved, **defaults, "metric": "loss", "schedule": "constant", **changes}
    )


@dataclass
class RecordingReporter:
    """A reporter that records everything."""

    plans: list[TrainingPlan] = field(default_factory=list)
    steps: list[StepReport] = field(default_factory=list)
    validations: list[tuple[int, Validation, bool]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    ends: int = 0

    def on_start(self, plan: TrainingPlan) -> None:
        self.plans.append(plan)

    def on_step(self, report: StepReport) -> None:
        self.steps.append(report)

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        self.validations.append((step, validation, best))

    def on_message(self, text: str) -> None:
        self.messages.append(text)

    def on_end(self) -> None:
        self.ends += 1


class FakeValidator:
    """A validator that returns given losses, then a weight's mean; it counts its calls."""

    def __init__(self, losses: list[float] | None = None) -> None:
        self.losses = list(losses or [])
        self.calls = 0

    def __call__(self, model: Seq2Seq, *, check: Callable[[], None]) -> Validation:
        check()
        assert not model.training
        self.calls += 1
        loss = self.losses.pop(0) if self.losses else float(model.output_weight.detach().abs().mean())
        return Validation(loss=loss, nll=loss)


class Clock:
    """A clock that advances by `tick` seconds at each reading."""

    def __init__(self, tick: float = 0.0) -> None:
        self.now, self.tick = 100.0, tick

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


@dataclass
class Workbench:
    """Makes trainers in one directory, and their parts."""

    directory: Path
    validator = FakeValidator
    reporter = RecordingReporter
    clock = Clock
    model = staticmethod(model)
    stream = staticmethod(stream)
    corpus = staticmethod(corpus)
    options = staticmethod(options)

    def trainer(
        self,
        *,
        validator: FakeValidator | None = None,
        reporter: RecordingReporter | None = None,
        precision: str = "float32",
        clock: Callable[[], float] | None = None,
        network: Seq2Seq | None = None,
        batches: BatchStream | None = None,
        workers: Workers | None = None,
        **changes: object,
    ) -> Trainer:
        return Trainer(
            network or model(),
            batches or stream(),
            validator or FakeValidator(),
            config=options(**changes),
            directory=self.directory,
            precision=Precision(precision, "cpu"),  # type: ignore[arg-type]
            reporter=reporter or RecordingReporter(),
            workers=workers or Workers(clock=clock or Clock()),
        )
