"""How do time and memory of a training step grow with sentence length? For the RNN with additive attention.

    python benchmarks/cost_by_length.py [--out runs/cost] [--sentences 16 | --tokens 4096] [--threads 2]

Each length S = T runs in a process of its own, so that its peak memory can be measured. The recurrence costs O(T), the
attention O(S T); a tensor (B, T, S, D), or exceeding a cache, would be visible. Prints a table and draws it. With
--tokens, batches of all lengths have the same number of words, as in training, where short sentences come in larger
batches.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch
from contender import SPECIALS, Contender
from matplotlib.figure import Figure

from regard.values import Batch

LENGTHS = (16, 32, 64, 128, 256, 512)


def batch_of(sentences: int, length: int) -> Batch:
    """A batch of random words in sentences of one length."""
    ids = torch.randint(4, 8000, (3, sentences, length))
    lens = torch.full((sentences,), length)
    ids[0, :, -1] = ids[2, :, -1] = SPECIALS.eos
    return Batch(ids[0], lens, ids[1], ids[2], lens, tuple(range(sentences)), sentences * length)


def measure(length: int, sentences: int, threads: int) -> dict[str, float]:
    """Seconds per step (best of five), and peak memory in megabytes above that before the first step."""
    torch.set_num_threads(threads)
    contender = Contender("T2")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(6):
        batch = batch_of(sentences, length)
        start = time.perf_counter()
        contender.train_step(batch)
        seconds.append(time.perf_counter() - start)
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {"length": length, "seconds": min(seconds[1:]), "memory": memory}


def draw(rows: list[dict[str, float]], path: Path) -> None:
    """Draws time and memory by length on logarithmic axes."""
    figure = Figure(figsize=(6, 3.6), dpi=150, layout="constrained")
    left = figure.add_subplot()
    right = left.twinx()
    lengths = [row["length"] for row in rows]
    left.plot(lengths, [row["seconds"] for row in rows], color="#d55e00", marker="o")
    right.plot(lengths, [row["memory"] for row in rows], color="#0072b2", marker="s")
    for axes, label, color in ((left, "seconds per step", "#d55e00"), (right, "memory, MB", "#0072b2")):
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        axes.set_ylabel(label, color=color)
    left.set_xticks(lengths, [str(length) for length in lengths])
    left.set_xlabel("words per sentence, source and target")
    figure.savefig(path)


def main() -> None:
    """Measures each length in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/cost"))
    parser.add_argument("--sentences", type=int, default=16)
    parser.add_argument("--tokens", type=int, help="target words per batch, in place of --sentences")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--length", type=int, help="measure only this length, in this process, and print JSON")
    options = parser.parse_args()
    if options.length:
        print(json.dumps(measure(options.length, options.sentences, options.threads)))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    print("| S = T | seconds per step | tokens/s | seconds / T, ms | memory, MB | memory / T, MB |")
    print("|---|---|---|---|---|---|")
    for length in LENGTHS:
        sentences = max(1, options.tokens // length) if options.tokens else options.sentences
        command = [sys.executable, __file__, "--length", str(length), "--sentences", str(sentences)]
        done = subprocess.run([*command, "--threads", str(options.threads)], check=True, capture_output=True, text=True)
        row = json.loads(done.stdout)
        rows.append(row)
        seconds, memory = row["seconds"], row["memory"]
        speed = sentences * length / seconds
        shares = f"{1e3 * seconds / length:.2f} | {memory:.0f} | {memory / length:.2f}"
        print(f"| {length} | {seconds:.3f} | {speed:,.0f} | {shares} |", flush=True)
    draw(rows, options.out / "cost-by-length.png")


if __name__ == "__main__":
    main()
