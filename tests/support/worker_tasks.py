"""What the workers of the tests of training with many workers do; see `gang.py`."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from workbench import VOCAB, RecordingReporter, Workbench

from regard.config.schema import TransformerConfig
from regard.errors import WorkerError
from regard.model.build import build_model
from regard.model.seq2seq import Seq2Seq
from regard.train.gradient_sum import GradientSum
from regard.train.interrupt import Interrupt
from regard.train.optimizer import Updater
from regard.train.replicas import make_equal
from regard.train.workers import Workers


def transformer() -> Seq2Seq:
    """A small transformer with dropout at all places."""
    torch.manual_seed(1)
    config = TransformerConfig(
        width=16, ff_size=32, heads=2, encoder_layers=2, decoder_layers=2, dropout=0.2, attention_dropout=0.1
    )
    return build_model(config, src_vocab=VOCAB, tgt_vocab=VOCAB, shared=True)


def digest(tensors: list[Tensor]) -> str:
    return hashlib.sha256(b"".join(tensor.detach().numpy().tobytes() for tensor in tensors)).hexdigest()


def sums(workers: Workers) -> dict[str, Any]:
    """Sums and collections of each kind of value that workers exchange."""
    workers.join("cpu")
    large = (1 << 62) // workers.count
    tensors = {}
    for name in ("float32", "float64", "int64") if workers.count > 1 else ():
        tensor = torch.arange(1, 100_001, dtype=getattr(torch, name)) * (workers.rank + 1)
        workers.start_tensor_sum(tensor).wait()
        tensors[name] = torch.equal(
            tensor, torch.arange(1, 100_001, dtype=tensor.dtype) * sum(range(1, workers.count + 1))
        )
    copied = torch.full((3,), float(workers.rank))
    workers.copy_from_first([copied])
    return {
        "tensors": tensors,
        "integers": workers.sum([large - workers.rank, workers.rank]),
        "collected": workers.gather({"rank": workers.rank, "text": "é" * workers.rank}),
        "first": workers.from_first(f"of {workers.rank}"),
        "copied": copied.tolist(),
        "shares": list(workers.share(list(range(7)), lambda: None)),
    }


def gradients(
    workers: Workers, model: str, accumulate: int, bucket_bytes: int, options: dict[str, Any]
) -> dict[str, Any]:
    """The gradients of the third update, and how many buckets were sent before the backward pass ended."""
    workers.join("cpu")
    bench = Workbench(Path("unused"))
    network = transformer() if model == "transformer" else bench.model()
    trainer = bench.trainer(network=network, accumulate=accumulate, workers=workers, **options)
    trainer.step.gradients.bucket_bytes, trainer.step.gradients.overlap = bucket_bytes, True
    found: list[list[float]] = []
    early: list[int] = []
    update, finish = trainer.updater.update, trainer.step.gradients.finish

    def recording_update(rate: float) -> Tensor:
        found.append(torch.cat([weight.grad.flatten() for weight in trainer.updater.named.values()]).tolist())  # type: ignore[union-attr]
        return update(0.0)

    def recording_finish(extra: Tensor) -> Tensor | None:
        early.append(len(trainer.step.gradients._sent))
        return finish(extra)

    trainer.updater.update = recording_update  # type: ignore[method-assign]
    trainer.step.gradients.finish = recording_finish  # type: ignore[method-assign]
    for _ in range(3):
        trainer._advance()
    return {"gradient": found[-1], "early": early, "loss": trainer.meter.means(), "position": trainer.stream.state()}


@dataclass
class Course:
    """How a training of the tests is run.

    Attributes:
        model: `rnn` or `transformer`.
        options: Options of the section `[train]`.
        resume: Whether to resume.
        die_at: Rank of a worker that kills itself, and the step after which it does.
        stop_at: Rank of a worker that is asked to stop, and the step.
    """

    model: str
    options: dict[str, object]
    resume: bool = False
    die_at: list[int] | None = None
    stop_at: list[int] | None = None


def train(workers: Workers, directory: str, course: dict[str, Any]) -> dict[str, Any]:
    """Trains; returns the final weights, the losses of the updates, and what was reported."""
    workers.join("cpu")
    this = Course(**course)
    bench, reporter, interrupt = Workbench(Path(directory)), RecordingReporter(), Interrupt()
    Path(directory).mkdir(exist_ok=True)
    network = transformer() if this.model == "transformer" else bench.model()
    options: dict[str, Any] = this.options
    trainer = bench.trainer(network=network, reporter=reporter, workers=workers, **options)
    advance, add = trainer._advance, trainer.meter.add
    losses: list[float] = []

    def noted_advance() -> None:
        if this.die_at == [workers.rank, trainer.progress.step]:
            os.kill(os.getpid(), signal.SIGKILL)
        advance()
        if this.stop_at == [workers.rank, trainer.progress.step]:
            interrupt.request()

    def noted_add(loss: Tensor, nll: Tensor, norm: Tensor, tokens: int) -> None:
        losses.append(float(loss) / tokens)
        add(loss, nll, norm, tokens)

    trainer._advance, trainer.meter.add = noted_advance, noted_add  # type: ignore[method-assign]
    start = time.monotonic()
    try:
        outcome = trainer.run(resume=this.resume, interrupt=interrupt)
    except WorkerError as error:
        return {"error": str(error), "reported": error.reported, "seconds": time.monotonic() - start}
    moments = [value for _, value in sorted(trainer.updater.state().items())]
    return {
        "outcome": [outcome.step, outcome.interrupted, outcome.num_skipped, outcome.chosen],
        "weights": {name: weight.flatten().tolist() for name, weight in trainer.model.state_dict().items()},
        "digest": digest([*trainer.model.state_dict().values(), *moments]),
        "losses": losses,
        "elapsed": outcome.seconds,
        "messages": reporter.messages,
        "validations": [(step, validation.loss) for step, validation, _ in reporter.validations],
        "stream": trainer.stream.state(),
    }


def waiting(workers: Workers, case: str, seconds: float) -> dict[str, Any]:
    """Worker 0 works alone: for long, or with an error, or until it is killed."""
    start = time.monotonic()

    def work() -> str:
        if case == "error":
            raise ValueError("nothing to prepare")
        time.sleep(seconds)
        if case == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        return "done"

    try:
        results = [workers.first(work), workers.first(lambda: "again")]
    except ValueError as error:
        return {"own error": str(error)}
    except WorkerError as error:
        return {"error": str(error), "reported": error.reported, "seconds": time.monotonic() - start}
    return {"results": results, "seconds": time.monotonic() - start}


class _OneUnused(nn.Module):
    """A module with a parameter that takes no part, and one that only worker 1 uses."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused, self.sometimes = (nn.Parameter(torch.ones(3)) for _ in range(3))


def unused(workers: Workers) -> dict[str, Any]:
    """Gradients of two updates, in which a parameter is used by no worker, and another by worker 1 alone."""
    workers.join("cpu")
    module = _OneUnused()
    sums = GradientSum(dict(module.named_parameters()), workers, overlap=True)
    found, total = [], None
    for _ in range(2):
        module.zero_grad(set_to_none=True)
        sums.listen()
        loss = module.used.sum() * (workers.rank + 1)
        (loss + module.sometimes.sum() if workers.rank == 1 else loss).backward()
        total = sums.finish(torch.tensor([1.0, float(workers.rank)]))
        found.append([None if value.grad is None else value.grad.tolist() for value in module.parameters()])
    return {"gradients": found, "extra": None if total is None else total.tolist()}


def broken(workers: Workers) -> dict[str, Any]:
    """An update in which the gradients of worker 1 alone are not finite, and one in which all are."""
    workers.join("cpu")
    module = nn.Linear(2, 2)
    nn.init.ones_(module.weight)
    updater = Updater(module, betas=(0.9, 0.98))
    sums = GradientSum(updater.named, workers)
    after = []
    for factor in (float("nan"), 1.0):
        sums.listen()
        (module(torch.ones(1, 2)).sum() * (factor if workers.rank == 1 else 1.0)).backward()
        sums.finish(torch.zeros(1))
        updater.update(0.5)
        after.append([module.weight.tolist(), int(updater.num_skipped)])
    return {"after": after}


def unequal(workers: Workers) -> dict[str, Any]:
    """Weights that differ in one bit in the last worker are made equal; equal ones are left alone."""
    workers.join("cpu")
    weights = [torch.arange(10.0), torch.ones(3, 3)]
    found = [make_equal(workers, weights)]
    if workers.rank == workers.count - 1:
        weights[1][2, 2] = torch.nextafter(torch.tensor(1.0), torch.tensor(2.0))
    found += [make_equal(workers, weights), make_equal(workers, weights)]
    return {"found": found, "weights": [weight.tolist() for weight in weights]}


class _Fails(torch.autograd.Function):
    """The identity, whose backward pass fails once."""

    failures = 0

    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:  # noqa: ANN401 - as in PyTorch
        return value.clone()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401
        if _Fails.failures:
            _Fails.failures -= 1
            raise RuntimeError("out of memory")
        return gradient


def spoiled(workers: Workers) -> dict[str, Any]:
    """The backward pass of worker 1 fails after the bucket of the last parameter was sent."""
    workers.join("cpu")
    first, last = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    sums = GradientSum({"first": first, "last": last}, workers, overlap=True, bucket_bytes=1)

    def backward() -> None:
        (_Fails.apply(first * 1.0) * last * (workers.rank + 1)).sum().backward()  # type: ignore[no-untyped-call]

    backward()
    sums.finish(torch.zeros(1))  # the first update plans the buckets
    again: list[bool] = []
    _Fails.failures = workers.rank
    while not again or again[-1]:
        first.grad = last.grad = None
        sums.listen()
        try:
            backward()
        except RuntimeError:
            sums.stop()
            first.grad = last.grad = None
            backward()
        again.append(sums.finish(torch.zeros(1)) is None)
    return {"again": again, "gradients": [float(weight.grad) for weight in (first, last) if weight.grad is not None]}
