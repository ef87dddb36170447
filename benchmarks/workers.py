"""How fast do several workers train together, and what would more of them do?

    python benchmarks/workers.py measure            # on a quiet machine; some 20 s per line
    python benchmarks/workers.py simulate --micro-batch 0.9 --update 0.04 --megabytes 32

`measure` trains a Transformer (T1 of `contender.py`) on random sentences with 1 worker that has all cores, and with 2
and 4 workers that share them, with the same tokens per update. It prints seconds per update, target tokens per second
relative to the first line, and the share of time in communication. `simulate` computes the same for more workers on
several machines from measured times, with the cost of a ring all-reduce.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from contender import MODELS
from torch._C._distributed_c10d import FileStore

from regard.data.corpus import Corpus, Ragged
from regard.data.stream import BatchStream
from regard.model.build import build_model
from regard.train.objective import Objective
from regard.train.optimizer import Updater
from regard.train.place import Place
from regard.train.precision import Precision
from regard.train.step import TrainingStep
from regard.train.workers import Workers
from regard.values import Specials

VOCAB = 8_000
NETWORKS = {"1 Gb/s Ethernet": (0.11, 1e-4), "10 Gb/s Ethernet": (1.1, 5e-5), "100 Gb/s InfiniBand": (11.0, 5e-6)}
"""Gigabytes per second in each direction, and seconds per message; assumptions, not measurements."""


def stream(batch_tokens: int) -> BatchStream:
    """Random sentences of 5 to 35 subwords."""
    draw = torch.Generator().manual_seed(1)
    lengths = torch.randint(5, 36, (20_000,), generator=draw).tolist()
    rows = [torch.randint(4, VOCAB, (length,), generator=draw).tolist() for length in lengths]
    corpus = Corpus(Ragged.from_rows(rows), Ragged.from_rows(rows), ())
    return BatchStream(corpus, batch_tokens=batch_tokens, seed=1, specials=Specials())


def timed(function: Callable[..., object], seconds: list[float]) -> Callable[..., object]:
    """The function, which adds its duration to the last of `seconds`."""

    def call(*arguments: object) -> object:
        start = time.perf_counter()
        result = function(*arguments)
        seconds[-1] += time.perf_counter() - start
        return result

    return call


def work(workers: Workers, options: argparse.Namespace) -> dict[str, float]:
    """Median times of the updates of one worker."""
    workers.join("cpu")
    torch.manual_seed(1)
    model = build_model(MODELS["T1"], src_vocab=VOCAB, tgt_vocab=VOCAB, shared=True).train()
    batches = stream(options.batch_tokens)
    step = TrainingStep(model, Updater(model, betas=(0.9, 0.98), clip_norm=1.0), Precision("float32", "cpu"),
                        Objective(0.1), workers=workers)  # fmt: skip
    step.gradients.overlap = options.overlap
    communication: list[float] = []
    step.workers.sum = timed(workers.sum, communication)  # type: ignore[method-assign, assignment]
    step.gradients.finish = timed(step.gradients.finish, communication)  # type: ignore[method-assign, assignment]
    seconds: list[float] = []
    for update in range(1, options.updates + 3):
        own = []
        for number in range(options.accumulate):
            if workers.owns(number):
                own.append(next(batches))
            else:
                batches.skip(1)
        communication.append(0.0)
        start = time.perf_counter()
        step(own, 1e-3, update=update)
        seconds.append(time.perf_counter() - start)
    size = sum(weight.numel() for weight in model.parameters()) * 4e-6
    # The time of the whole, since updates have different numbers of tokens; without the first two.
    return {
        "update": sum(seconds[2:]) / options.updates,
        "communication": sum(communication[2:]) / sum(seconds[2:]),
        "megabytes": size,
        "median": statistics.median(seconds[2:]),
    }


def gang(count: int, threads: int, options: argparse.Namespace) -> dict[str, float]:
    """Runs several workers; returns the times of the first."""
    directory = Path(tempfile.mkdtemp())
    pids = []
    for rank in range(count):
        pid = os.fork()
        if not pid:
            torch.set_num_threads(threads)
            store = FileStore(str(directory / "store"), count) if count > 1 else None
            workers = Workers(Place(rank, count, rank, count), store)
            (directory / f"{rank}.json").write_text(json.dumps(work(workers, options)))
            workers.leave()
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    found: dict[str, float] = json.loads((directory / "0.json").read_text())
    return found


def measure(options: argparse.Namespace) -> None:
    """Prints a table of measured times."""
    cores, base, megabytes = os.cpu_count() or 1, 0.0, 0.0
    print("| workers x threads | seconds per update | speed | communication and waiting |\n|---|---|---|---|")
    for count in options.workers:
        threads = max(1, cores // count)
        found = gang(count, threads, options)
        base, megabytes = base or found["update"], found["megabytes"]
        print(
            f"| {count} x {threads} | {found['update']:.3f} | {base / found['update']:.2f} | "
            f"{found['communication']:.1%} |", flush=True,
        )  # fmt: skip
    print(f"\ngradients: {megabytes:.1f} MB")


def simulated(
    count: int, accumulate: int, *, micro_batch: float, update: float, megabytes: float, network: str
) -> tuple[float, float]:
    """Seconds per update, and seconds of the all-reduce in it, of workers on one machine each.

    A ring all-reduce sends 2 (W - 1) messages of 1/W of the gradients from each worker (Patarasu & Yuan 2009, §4).
    """
    gigabytes_per_second, latency = NETWORKS[network]
    hops = 2 * (count - 1)
    reduce = hops * (latency + megabytes / 1000 / count / gigabytes_per_second)
    return math.ceil(accumulate / count) * micro_batch + update + reduce, reduce


def simulate(options: argparse.Namespace) -> None:
    """Prints a table of simulated speeds."""
    times = {"micro_batch": options.micro_batch, "update": options.update, "megabytes": options.megabytes}
    print(f"| workers | {' | '.join(NETWORKS)} |\n|---|{'---|' * len(NETWORKS)}")
    for count in (1, 2, 4, 8, 16, 32, 64):
        cells = []
        for network in NETWORKS:
            accumulate = max(options.accumulate, count)
            alone = accumulate * options.micro_batch + options.update
            seconds, reduce = simulated(count, accumulate, network=network, **times)
            cells.append(f"{alone / seconds:.1f} ({reduce / seconds:.0%})")
        print(f"| {count} | {' | '.join(cells)} |")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    measuring.add_argument("--batch-tokens", type=int, default=1024)
    measuring.add_argument("--accumulate", type=int, default=4)
    measuring.add_argument("--updates", type=int, default=12)
    measuring.add_argument("--overlap", action="store_true", help="send gradients during the backward pass")
    measuring.set_defaults(run=measure)
    simulating = commands.add_parser("simulate")
    simulating.add_argument("--micro-batch", type=float, required=True, help="seconds per micro-batch")
    simulating.add_argument("--update", type=float, required=True, help="seconds of the optimizer")
    simulating.add_argument("--megabytes", type=float, required=True, help="size of the gradients")
    simulating.add_argument("--accumulate", type=int, default=64, help="micro-batches per update")
    simulating.set_defaults(run=simulate)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
