"""Does training in bfloat16 learn as well as in float32? The loss after equal steps, for several seeds.

    python benchmarks/precision.py --src train.en --tgt train.fr [--steps 300] [--seeds 3] [--batch-tokens 1024]

Trains a small Transformer and two RNNs (Bahdanau, and Luong's general score) from the same beginnings on the same
batches in both types, and prints the negative log-likelihood a target token, mean over the last tenth of the steps.
Seeds change weights, dropout and order. The mean of the seeds in bfloat16 should lie as near to that in float32 as
float32's seeds to one another.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from pathlib import Path

import torch
from contender import MODELS

from regard.data.corpus import Corpus
from regard.data.stream import BatchStream
from regard.model.build import build_model
from regard.text.readers import read_pairs
from regard.text.subword import Subword
from regard.train.allocator import keep_freed_memory
from regard.train.optimizer import Updater
from regard.train.precision import choose_precision
from regard.train.step import TrainingStep


def last_loss(task: str, precision: str, stream: BatchStream, *, vocab: int, steps: int, seed: int) -> float:
    """Mean negative log-likelihood a token over the last tenth of a training."""
    torch.manual_seed(seed)
    model = build_model(MODELS[task], src_vocab=vocab, tgt_vocab=vocab, shared=True, specials=stream.specials).train()
    updater = Updater(model, betas=(0.9, 0.98), clip_norm=1.0)
    step = TrainingStep(model, updater, choose_precision(precision, "cpu"), label_smoothing=0.1)
    last = []
    for number in range(1, steps + 1):
        taken = step([next(stream)], 1e-3 * min(1.0, number / 100))
        if number > 0.9 * steps:
            last.append(float(taken.nll) / taken.num_tokens)
    return statistics.mean(last)


def rows(options: argparse.Namespace) -> Iterator[str]:
    """A line of the table a task, as they are known."""
    pairs = read_pairs(options.src, options.tgt).pairs
    subword = Subword.train((text for pair in pairs for text in (pair.src, pair.tgt)), vocab_size=8000)
    corpus = Corpus.encode(pairs, subword, subword, max_len=100)
    for task in ("T1", "T2", "T3"):
        found: dict[str, list[float]] = {"float32": [], "bfloat16": []}
        for seed in range(1, options.seeds + 1):
            for precision, losses in found.items():
                stream = BatchStream(corpus, batch_tokens=options.batch_tokens, seed=seed, specials=subword.specials)
                losses.append(
                    last_loss(task, precision, stream, vocab=len(subword), steps=options.steps, seed=seed)
                )  # fmt: skip
        spread = max(found["float32"]) - min(found["float32"])
        apart = abs(statistics.mean(found["bfloat16"]) - statistics.mean(found["float32"]))
        cells = [" ".join(f"{loss:.4f}" for loss in losses) for losses in found.values()]
        within = "yes" if apart <= spread else "no"
        yield f"| {task} | {cells[0]} | {cells[1]} | {apart:.4f} | {spread:.4f} | {within} |"


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
    print("| task | float32, each seed | bfloat16, each seed | means apart | spread of float32 | within |")
    print("|---|---|---|---|---|---|", flush=True)
    for row in rows(options):
        print(row, flush=True)


if __name__ == "__main__":
    main()
