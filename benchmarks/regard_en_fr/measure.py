"""Measures a model and the word-by-word baseline: quality with intervals, speed, size, and translations that go wrong.

`python measure.py MODEL DATA --training DIR --out measured.json`; see `build.py` for the layout of DATA and DIR.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import torch
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from word_by_word import read_table

import regard
from regard.store.model import open_model

TESTS = ("tatoeba-en-fr/val", "flores200/dev", "europarl-sample-en-fr/newstest2012")
"""Test texts by their path in the data directory, without the language."""
NUM_SAMPLES = 1000
"""Bootstrap samples of an interval (Koehn 2004)."""
SPEED_SENTENCES, STARTS = 200, 5
FAULTS = Path(__file__).with_name("faults.tsv")
SYSTEMS: dict[str, tuple[str, int]] = {
    "greedy": ("float32", 1), "beam 5": ("float32", 5), "beam 5, int8": ("int8", 5), "greedy, int8": ("int8", 1)
}  # fmt: skip
"""Precision and beam of each way to translate."""
Score = dict[str, tuple[float, float]]
Translate = Callable[[Sequence[str]], list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--training", type=Path, required=True, help="directory of build.py: clean.tsv and en-fr")
    parser.add_argument("--out", type=Path, default=Path("measured.json"))
    parser.add_argument("--limit", type=int, help="sentences of each test text; all by default")
    parser.add_argument("--systems", nargs="*", default=list(SYSTEMS), choices=list(SYSTEMS))
    parser.add_argument("--no-speed", action="store_true", help="leave out times, which other work disturbs")
    options = parser.parse_args()
    measured = measure(
        options.model, options.data, options.training, systems=options.systems, limit=options.limit,
        with_speed=not options.no_speed,
    )  # fmt: skip
    options.out.write_text(json.dumps(measured, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def measure(
    model: Path, data: Path, training: Path, *, systems: Sequence[str], limit: int | None, with_speed: bool
) -> dict[str, object]:
    """Measures everything that the model card states.

    Args:
        model: Directory of the model.
        data: Directory of the test texts.
        training: Directory of `build.py`, with the training text and its links.
        systems: Ways to translate, of `SYSTEMS`.
        limit: Sentences of each test text; None = all.
        with_speed: Whether to measure times.

    Returns:
        The results, as JSON can store them.
    """
    torch.set_num_threads(1)
    translators = {precision: regard.load(model, precision=precision) for precision, _ in SYSTEMS.values()}

    def system(name: str) -> Translate:
        precision, beam = SYSTEMS[name]
        return lambda texts: [found.text for found in translators[precision].translate(list(texts), beam=beam)]

    table = read_table(training / "clean.tsv", training / "en-fr" / "training" / "guided.align")
    ways: dict[str, Translate] = {"word by word": lambda texts: [table.translate(text) for text in texts]}
    ways |= {name: system(name) for name in systems}
    tests = {}
    for name in TESTS:
        sources, references = (_lines(data / f"{name}.{code}", limit) for code in ("en", "fr"))
        tests[name] = {"sentences": len(sources), "scores": _scores_of(name, ways, sources, references)}
    opened = open_model(model)
    timed = {name: ways[name] for name in systems}
    speed = _speed(timed, _lines(data / f"{TESTS[0]}.en", SPEED_SENTENCES), model) if with_speed else None
    return {
        "signature": opened.manifest.signature,
        "parameters": opened.manifest.num_parameters,
        "versions": {name: version(name) for name in ("regard", "torch", "sacrebleu")},
        "bytes": sum(opened.sizes.values()) + (model / "manifest.json").stat().st_size,
        "details": opened.manifest.details,
        "tests": tests,
        "speed": speed,
        "faults": _faults(ways[systems[-1]], ways["word by word"]),
    }


def _scores_of(
    test: str, ways: dict[str, Translate], sources: Sequence[str], references: Sequence[str]
) -> dict[str, Score]:
    found = {}
    for name, translate in ways.items():
        found[name] = score(translate(sources), references)
        shown = ", ".join(f"{metric} {value:.1f} ± {half:.1f}" for metric, (value, half) in found[name].items())
        print(f"{test}, {len(sources)} sentences, {name}: {shown}", file=sys.stderr, flush=True)
    return found


def score(translations: Sequence[str], references: Sequence[str]) -> Score:
    """Scores translations by sacreBLEU, with 95 % intervals by bootstrap resampling.

    Args:
        translations: Translations.
        references: One reference per translation.

    Returns:
        Value, and half the width of its interval, of `BLEU` and `chrF`.
    """
    found: Score = {}
    for name, metric in (("BLEU", BLEU()), ("chrF", CHRF())):
        result = metric.corpus_score(list(translations), [list(references)], n_bootstrap=NUM_SAMPLES)
        found[name] = (round(float(result.score), 2), round(float(result._ci), 2))
    return found


def _speed(ways: dict[str, Translate], sources: Sequence[str], model: Path) -> dict[str, float]:
    """Sentences per second with one thread, and seconds to the first translation of a new process."""
    found = {}
    for name, translate in ways.items():
        translate(sources[:20])
        started = time.perf_counter()
        translate(sources)
        found[name] = round(len(sources) / (time.perf_counter() - started), 1)
    times = []
    for _ in range(STARTS):
        started = time.perf_counter()
        command = [sys.executable, "-m", "regard", "translate", str(model)]
        subprocess.run(command, input="How was your day?\n", text=True, capture_output=True, check=True)
        times.append(time.perf_counter() - started)
    return {**found, "first translation": round(statistics.median(times), 2)}


def _faults(translate: Translate, baseline: Translate) -> list[dict[str, str]]:
    rows = [line.split("\t") for line in FAULTS.read_text(encoding="utf-8").splitlines() if line]
    sources = [row[1] for row in rows]
    return [
        {"kind": row[0], "source": row[1], "translation": ours, "word by word": plain}
        for row, ours, plain in zip(rows, translate(sources), baseline(sources), strict=True)
    ]


def _lines(path: Path, limit: int | None) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()[:limit]


if __name__ == "__main__":
    main()
