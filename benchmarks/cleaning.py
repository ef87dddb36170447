"""Which planted faults do the checks of corpora find, and how fast are they?

    python benchmarks/cleaning.py train.en train.fr --langs en-fr --test val.en val.fr --other train.de

Plants duplicates, misaligned pairs, sides in another language, leaked test pairs, mojibake, and wrong numbers and
addresses into a corpus, and prints per kind the recall, the precision and the speed in pairs per second of processor
time. The corpus has real faults, too: a pair that is found and was not planted counts against the precision, so look at
those that `--examples` shows.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from pathlib import Path

from planted_faults import PlantedCorpus, plant

from regard.data.cleaning.check import Check, default_checks, leakage_check
from regard.data.cleaning.duplicates import DuplicateFinder
from regard.data.cleaning.leakage import Leakage
from regard.values import Pair

BATCH = 2000
CHEAP = (
    "empty", "identical", "length", "long-word", "length-ratio", "broken-characters", "mojibake", "markup",
    "repetition", "numbers", "urls", "script",
)  # fmt: skip
"""Checks that read characters and words only; their speed is also reported together."""


def read(src: Path, tgt: Path) -> list[Pair]:
    """Reads two files, line by line."""
    with src.open(encoding="utf-8", newline="\n") as sources, tgt.open(encoding="utf-8", newline="\n") as targets:
        lines = zip(sources, targets, strict=True)
        return [Pair(left.rstrip("\n"), right.rstrip("\n"), line) for line, (left, right) in enumerate(lines, 1)]


def timed_failures(check: Check, pairs: Sequence[Pair]) -> tuple[list[bool], float]:
    """Which pairs fail a check, and the seconds of processor time that it takes."""
    start = time.process_time()
    failures = [
        failed for first in range(0, len(pairs), BATCH) for failed in check.failures(pairs[first : first + BATCH])
    ]
    return failures, time.process_time() - start


def duplicates(pairs: Sequence[Pair]) -> list[bool]:
    """Which pairs repeat an earlier one."""
    with DuplicateFinder() as finder:
        for first in range(0, len(pairs), BATCH):
            finder.add(pairs[first : first + BATCH])
        found = set(finder.duplicates().numbers().tolist())
    return [row in found for row in range(len(pairs))]


def row_of(kind: str, corpus: PlantedCorpus, failures: Sequence[bool], seconds: float, num_examples: int) -> str:
    """A line of the table, followed by examples of pairs that were found but not planted."""
    planted = sum(planted_kind == kind for planted_kind in corpus.kinds)
    hits = sum(failed and planted_kind == kind for failed, planted_kind in zip(failures, corpus.kinds, strict=True))
    # A pair with another planted fault may well have this one, too.
    false = [
        pair
        for pair, failed, planted_kind in zip(corpus.pairs, failures, corpus.kinds, strict=True)
        if failed and not planted_kind
    ]
    recall = f"{hits / planted:9.3f}" if planted else "        -"
    precision = f"{hits / (hits + len(false)):9.3f}" if planted and hits else "        -"
    speed = f"{len(corpus.pairs) / seconds:12,.0f}" if seconds else ""
    examples = random.Random(0).sample(false, min(num_examples, len(false)))
    lines = [f"{kind:18}{planted:8}{recall}{precision}{len(false):12}{speed}"]
    return "\n".join(lines + [f"    {pair.src[:100]} ||| {pair.tgt[:100]}" for pair in examples])


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("src", type=Path)
    parser.add_argument("tgt", type=Path)
    parser.add_argument("--langs", required=True, help="such as en-fr")
    parser.add_argument("--test", nargs=2, type=Path, required=True, help="source and target of a test set")
    parser.add_argument("--other", type=Path, required=True, help="sentences in a third language")
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--examples", type=int, default=0, help="pairs to show that were found but not planted")
    options = parser.parse_args()
    src_lang, tgt_lang = options.langs.split("-")
    clean, test = read(options.src, options.tgt), read(*options.test)
    random.Random(3).shuffle(clean)
    other = options.other.read_text(encoding="utf-8").split("\n")
    corpus = plant(clean[: options.pairs], test, [line for line in other if line])
    start = time.process_time()
    checks = (*default_checks((src_lang, tgt_lang), corpus.pairs), leakage_check(Leakage.from_pairs(test)))
    print(f"{len(corpus.pairs):,} pairs; checks made in {time.process_time() - start:.1f} s")
    print(f"{'kind or check':18}{'planted':>8}{'recall':>9}{'precision':>9}{'not planted':>12}{'pairs/s':>12}")
    start = time.process_time()
    failures = duplicates(corpus.pairs)
    print(row_of("duplicate", corpus, failures, time.process_time() - start, options.examples))
    cheap = 0.0
    for check in checks:
        failures, seconds = timed_failures(check, corpus.pairs)
        cheap += seconds if check.name in CHEAP else 0
        print(row_of(check.name, corpus, failures, seconds, options.examples), flush=True)
    print(f"{'cheap checks together':47}{len(corpus.pairs) / cheap:21,.0f}")


if __name__ == "__main__":
    main()
