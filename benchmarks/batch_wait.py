"""Measures how long a training waits for batches: T1 steps on text in memory, on prepared text, and with sampling.

    python benchmarks/batch_wait.py --src train.en --tgt train.fr --directory DIR [--pairs 50000] [--steps 12]

For each stream it prints the median seconds of a step and of the wait before it, the share of the wait, and the
padded tokens per second of step and wait together.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
from contender import SPECIALS, VOCAB, Contender

from regard.config.load import load_config
from regard.data.corpus import Corpus, Resampling
from regard.data.prepared.corpus import PreparedCorpus
from regard.data.prepared.stream import PreparedStream
from regard.data.stream import BatchStream
from regard.recipes.prepared_text import prepare_text
from regard.text.subword import Subword
from regard.values import Batch

BATCH_TOKENS = 4096
ALPHA = 0.1


def head(path: Path, count: int, directory: Path) -> Path:
    """Writes the first lines of a file."""
    out = directory / f"head{path.suffix}"
    with path.open(encoding="utf-8") as lines, out.open("w", encoding="utf-8") as file:
        file.writelines(islice(lines, count))
    return out


def measure(name: str, stream: Iterator[Batch], steps: int) -> None:
    """Trains some steps, and prints how long they and the waits take."""
    contender = Contender("T1")
    waits, durations, tokens = [], [], []
    for _ in range(steps + 3):
        start = time.perf_counter()
        batch = next(stream)
        made = time.perf_counter()
        contender.train_step(batch)
        waits.append(made - start)
        durations.append(time.perf_counter() - made)
        tokens.append(batch.src_ids.numel() + batch.tgt_in_ids.numel())
    wait, duration = statistics.median(waits[3:]), statistics.median(durations[3:])
    speed = sum(tokens[3:]) / (sum(waits[3:]) + sum(durations[3:]))
    share = f"wait {1000 * wait:.2f} ms = {100 * wait / duration:.2f} %"
    print(f"{name}: step {duration:.3f} s, {share}, {speed:,.0f} tokens/s", flush=True)


def main() -> None:
    """Prepares the text, and measures every stream."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--src", type=Path, required=True)
    parser.add_argument("--tgt", type=Path, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=50_000)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--prepare", action="store_true", help="only prepare")
    options = parser.parse_args()
    torch.set_num_threads(2)
    options.directory.mkdir(parents=True, exist_ok=True)
    src, tgt = (head(path, options.pairs, options.directory) for path in (options.src, options.tgt))
    settings = [f"data.src={src}", f"data.tgt={tgt}", f"data.val_src={src}", f"data.val_tgt={tgt}"]
    more = [f"subword.vocab_size={VOCAB}", f"subword.sample_alpha={ALPHA}", "data.max_len=100"]
    text = prepare_text(
        load_config(preset="transformer-tiny", overrides=[*settings, *more]), options.directory / "text"
    )
    if options.prepare:
        return
    subword: Subword = text.subwords[0]
    prepared = PreparedCorpus(text.directory)
    pairs = [pair for pair in map(prepared.pair, range(len(prepared))) if pair is not None]
    in_memory = Corpus.encode(pairs, subword, subword, max_len=100)
    arguments = {"batch_tokens": BATCH_TOKENS, "seed": 1, "specials": SPECIALS}
    measure("text in memory", BatchStream(in_memory, **arguments), options.steps)  # type: ignore[arg-type]  # as named
    for name, resampling in (("prepared", None), ("prepared, sampled", Resampling(subword, subword, ALPHA, 100))):
        stream = PreparedStream(prepared, resampling=resampling, **arguments)  # type: ignore[arg-type]  # as named
        measure(name, stream, options.steps)


if __name__ == "__main__":
    main()
