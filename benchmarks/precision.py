"""Does training in bfloat16 learn as well as in float32? Compares the loss after equal steps, for several seeds.

    python benchmarks/precision.py --src train.en --tgt train.fr [--steps 300] [--seeds 3] [--batch-tokens 1024]

Trains a small Transformer and two RNNs (Bahdanau, and Luong's general score) with the same initial weights and batches
in both types, and prints the negative log-likelihood per target token, mean over the last tenth of the steps. Seeds
change weights, dropout and order. The means of bfloat16 and float32 should differ by no more than the seeds of float32
do.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch
from contender import MODELS

from regard.data.corpora.pairs import read_pairs
from regard.data.corpus import Corpus
from regard.data.stream import BatchStream
from regard.model.build import build_model
from regard.text.subword import Subword
from regard.train.allocator import keep_freed_memory
from regard.train.objective import Objective
from regard.train.optimizer import Updater
from regard.train.precision import choose_precision
from regard.train.step import TrainingStep

Precision = Literal["float32", "bfloat16"]


def last_loss(task: str, precision: Precision, stream: BatchStream, *, vocab: int, steps: int, seed: int) -> float:
    """Mean negative log-likelihood per token over the last tenth of a training."""
    torch.manual_seed(seed)
    model = build_model(MODELS[task], src_vocab=vocab, tgt_vocab=vocab, shared=True, specials=stream.specials).train()
    updater = Updater(model, betas=(0.9, 0.98), clip_norm=1.0)
    step = TrainingStep(model, updater, choose_precision(precision, "cpu"), Objective(0.1))
    losses = []
    for number in range(1, steps + 1):
        result = step([next(stream)], 1e-3 * min(1.0, number / 100), update=number)
        if number > 0.9 * steps:
            losses.append(float(result.nll) / result.num_tokens)
    return statistics.mean(losses)


def rows(options: argparse.Namespace) -> Iterator[str]:
    """Yields one row of the table per task."""
    pairs = read_pairs(options.src, options.tgt).pairs
    subword = Subword.train((text for pair in pairs for text in (pair.src, pair.tgt)), vocab_size=8000)
    corpus = Corpus.encode(pairs, subword, subword, max_len=100)
    for task in ("T1", "T2", "T3"):
        by_precision: dict[Precision, list[float]] = {"float32": [], "bfloat16": []}
        for seed in range(1, options.seeds + 1):
            for precision, losses in by_precision.items():
                stream = BatchStream(corpus, batch_tokens=options.batch_tokens, seed=seed, specials=subword.specials)
                losses.append(
                    last_loss(task, precision, stream, vocab=len(subword), steps=options.steps, seed=seed)
                )  # fmt: skip
        spread = max(by_precision["float32"]) - min(by_precision["float32"])
        difference = abs(statistics.mean(by_precision["bfloat16"]) - statistics.mean(by_precision["float32"]))
        cells = [" ".join(f"{loss:.4f}" for loss in losses) for losses in by_precision.values()]
        within = "yes" if difference <= spread else "no"
        yield f"| {task} | {cells[0]} | {cells[1]} | {difference:.4f} | {spread:.4f} | {within} |"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--src", type=Path, required=True)
    parser.add_argument("--tgt", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--batch-tokens", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(options.threads)
    print("| task | float32, each seed | bfloat16, each seed | difference of means | spread of float32 | within |")
    print("|---|---|---|---|---|---|", flush=True)
    for row in rows(options):
        print(row, flush=True)


if __name__ == "__main__":
    main()
