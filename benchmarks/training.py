"""How fast is a training step compared with other toolkits?

    python benchmarks/training.py [--src train.en --tgt train.fr] [--steps 20] [--tasks T1,T2,T3] [--markdown FILE]

All contenders get the same batches and take turns step by step, in rotating order within one process, so that noise
affects all alike: compare medians of one call. T1 is a Transformer with 3 + 3 layers of width 256, T2 an RNN (encoder
2 x 256, decoder 512) with additive attention, T3 the same with the general score; 8,000 subwords, dropout 0.1. Without
--src the phrasebook is used. Peak memory is measured in one process per contender, after four steps on random batches.

A decoder whose attention is part of the recurrence (Bahdanau's, input feeding) must work word by word, so it is
compared with the fastest peer of that kind; a decoder that attends after all its steps is compared with peers of that
kind. The operations of a step are those needed for its words without padding (`work.py`); the peak is that of one large
float32 matrix product.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from contender import SPECIALS, VOCAB, Contender, ForeignBatch
from peers import PEERS, installed
from timing import median_ms
from work import enters_recurrence, step_operations

from regard.data.corpora.pairs import read_pairs
from regard.data.corpus import Corpus
from regard.data.stream import BatchStream
from regard.text.subword import Subword
from regard_phrasebook.corpus import write_corpus

OURS = {"T1": ("default", "fp32"), "T2": ("default", "fp32"), "T3": ("default", "fp32", "feed", "fp32-feed")}
BATCH_TOKENS = {"T1": 4096, "T2": 2048, "T3": 2048}
_Prepared = TypeVar("_Prepared")
Step = Callable[[ForeignBatch], tuple[float, float]]


class Measurements(NamedTuple):
    """Tokens per second, GFLOP/s and last loss, by contender."""

    speeds: dict[str, list[float]]
    rates: dict[str, list[float]]
    losses: dict[str, float]


def read_batches(src: Path | None, tgt: Path | None, task: str, count: int) -> list[ForeignBatch]:
    """Reads the batches that all contenders get."""
    with tempfile.TemporaryDirectory() as directory:
        if src is None or tgt is None:
            write_corpus(Path(directory), pairs=20_000, seed=1)
            src, tgt = Path(directory) / "train.en", Path(directory) / "train.fr"
        pairs = read_pairs(src, tgt).pairs
    subword = Subword.train((text for pair in pairs for text in (pair.src, pair.tgt)), vocab_size=VOCAB)
    corpus = Corpus.encode(pairs, subword, subword, max_len=100)
    stream = BatchStream(corpus, batch_tokens=BATCH_TOKENS[task], seed=1, specials=SPECIALS)
    batches: list[ForeignBatch] = []
    for _ in range(count):
        batch = next(stream)
        order = batch.src_len.argsort(descending=True)
        tgt_ids = torch.cat((batch.tgt_in_ids[:, :1], batch.tgt_out_ids), dim=1)[order]
        src_ids, src_len = batch.src_ids[order], batch.src_len[order]
        batches.append(ForeignBatch(src=src_ids, src_len=src_len, tgt=tgt_ids, ntok=batch.num_tgt_tokens))
    return batches


def random_batches(task: str) -> list[ForeignBatch]:
    """Full batches of several lengths with random words, the same for all contenders."""
    torch.manual_seed(1)
    batches = []
    for length in (17, 12, 31, 50):
        sentences = BATCH_TOKENS[task] // length
        src, tgt = torch.randint(4, VOCAB, (sentences, length)), torch.randint(4, VOCAB, (sentences, length + 1))
        tgt[:, 0], src[:, -1], tgt[:, -1] = SPECIALS.bos, SPECIALS.eos, SPECIALS.eos
        lens = torch.full((sentences,), length)
        batches.append(ForeignBatch(src=src, src_len=lens, tgt=tgt, ntok=sentences * length))
    return batches


def stepper(task: str, name: str) -> tuple[torch.nn.Module, Step]:
    """A contender's model, and a function that trains one step and returns its seconds and loss."""
    variant = name.removeprefix("regard ") if name.startswith("regard ") else None
    if variant:
        ours = Contender(task, variant)
        return ours.model, timed(ours.prepare, ours.train_step)
    peer = PEERS[name][1](task)
    return peer.model, timed(lambda batch: batch, peer.train_step)


def timed(prepare: Callable[[ForeignBatch], _Prepared], train_step: Callable[[_Prepared], float]) -> Step:
    """A function that prepares a batch, trains on it, and returns the seconds of the latter and the loss."""

    def run(batch: ForeignBatch) -> tuple[float, float]:
        prepared = prepare(batch)
        start = time.perf_counter()
        loss = train_step(prepared)
        return time.perf_counter() - start, loss

    return run


def peak_memory(task: str, name: str, options: argparse.Namespace) -> float:
    """Peak resident memory, in megabytes, of a process that trains four steps."""
    command = [sys.executable, __file__, "--tasks", task, "--alone", name, "--threads", str(options.threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


def matmul_peak(dtype: torch.dtype) -> float:
    """Median GFLOP/s of a product of two 1,024 x 1,024 matrices."""
    left, right = torch.randn(2, 1024, 1024).to(dtype).unbind()
    out = torch.empty_like(left)
    return 2 * 1024**3 / 1e6 / median_ms(lambda: torch.mm(left, right, out=out), repeats=60)


def best_peer(task: str, name: str, medians: dict[str, float]) -> float | None:
    """Target tokens per second of the fastest peer with the same kind of decoder."""
    sequential = enters_recurrence(task, name)
    speeds = [
        speed for peer, speed in medians.items()
        if not peer.startswith("regard ") and enters_recurrence(task, peer) == sequential
    ]  # fmt: skip
    return max(speeds, default=None)


def measure(task: str, steps: dict[str, tuple[torch.nn.Module, Step]], options: argparse.Namespace) -> Measurements:
    """Measures speed and operations per second of every step except the first three, and the last loss."""
    results = Measurements({name: [] for name in steps}, {name: [] for name in steps}, {})
    names = list(steps)
    for number, batch in enumerate(read_batches(options.src, options.tgt, task, options.steps + 3)):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            seconds, results.losses[name] = steps[name][1](batch)
            if number >= 3:
                lens = batch["src_len"].tolist(), batch["tgt"][:, 1:].ne(SPECIALS.pad).sum(1).tolist()
                work = step_operations(task, *lens, feed=enters_recurrence(task, name))
                results.speeds[name].append(batch["ntok"] / seconds)
                results.rates[name].append(work / seconds / 1e9)
    return results


def compare(task: str, options: argparse.Namespace, peak: float) -> list[str]:
    """Rows of the table of one task."""
    names = [f"regard {variant}" for variant in OURS[task]] + installed(task)
    steps = {name: stepper(task, name) for name in names}
    results = measure(task, steps, options)
    medians = {name: statistics.median(speeds) for name, speeds in results.speeds.items()}
    rows = [
        f"| {task} | tokens/s, median (min, max) | ratio to peer | GFLOP/s | of peak | peak MB | M weights | loss |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in names:
        weights = sum(weight.numel() for weight in steps[name][0].parameters()) / 1e6
        best = best_peer(task, name, medians)
        ratio = f"{medians[name] / best:.2f}" if best and name.startswith("regard ") else ""
        speed = f"{medians[name]:,.0f} ({min(results.speeds[name]):,.0f}, {max(results.speeds[name]):,.0f})"
        rate = statistics.median(results.rates[name])
        memory = peak_memory(task, name, options)
        rows.append(
            f"| {name} | {speed} | {ratio} | {rate:.0f} | {rate / peak:.0%} | {memory:,.0f} | {weights:.2f} "
            f"| {results.losses[name]:.2f} |"
        )
    return rows


def main() -> None:
    """Runs the comparison and writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--src", type=Path)
    parser.add_argument("--tgt", type=Path)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--tasks", default="T1,T2,T3")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--markdown", type=Path, help="file to write the tables to")
    parser.add_argument("--alone", help="run four steps of this contender and print its peak memory")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    tasks = options.tasks.split(",")
    if options.alone:
        _, run = stepper(tasks[0], options.alone)
        for batch in random_batches(tasks[0]):
            run(batch)
        print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
        return
    peak, half = matmul_peak(torch.float32), matmul_peak(torch.bfloat16)
    text = f"Peak, product of 1024 x 1024 matrices: {peak:.0f} GFLOP/s in float32, {half:.0f} in bfloat16."
    print(text, flush=True)
    for task in tasks:
        table = "\n".join(compare(task, options, peak))
        print("\n" + table, flush=True)
        text += "\n\n" + table
    if options.markdown:
        options.markdown.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
