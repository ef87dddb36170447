"""Which architecture, size, vocabulary and regularization are best for a number of sentence pairs and a time?

    while python benchmarks/presets.py measure --data DIR; do :; done
    python benchmarks/presets.py run --data DIR
    python benchmarks/presets.py table --data DIR

Each line of the plan is one training: corpus, number of pairs, minutes, seed, a name, and options as for `--set`, with
`preset=NAME` besides. `run` repeats no finished training, continues an interrupted one, and reads the plan again after
each training, so that it can be stopped at any time, and lines can be added while it runs.

Every training gets as many updates as the minutes allow on one thread of this machine, so that other work on the
machine does not change the result. `measure` measures the speed of the next configuration without one, in processor
time, and fails if there is none left; run it on a quiet machine. `train.steps=N` replaces the measurement. The time of
validations does not count, and all trainings have the same number of them.

The subsets of a corpus contain each other. The first half of the held-out text is for validation, and the second half
is translated with a beam of 5 and scored. `table` compares each name with the first of its corpus, size and minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import regard
from regard.config.auto import rule_for
from regard.config.load import load_config
from regard.evaluate.scores import corpus_scores
from regard.evaluate.significance import differences
from regard.recipes.training import TrainResult, train
from regard.text.readers import read_lines
from regard.train.interrupt import Interrupt
from regard.train.reporter import Reporters, StepReport, TrainingPlan

CORPORA = {
    "tatoeba-en-fr": ("en", "fr"),
    "tatoeba-en-ko": ("en", "ko"),
    "multi30k": ("en", "fr"),
    "mix-en-fr": ("en", "fr"),
    "mix-en-ko": ("en", "ko"),
}
"""Source and target language of the folders with `train.en`, `val.en` and so on."""
MACHINE = ("train.threads=1", "train.device=cpu", "train.precision=float32")
"""Options that would otherwise depend on the machine; on one thread, models of this size are fastest in float32."""
VALIDATIONS = 6
MEASURED_SECONDS = 8.0
"""Processor seconds of the training by which the speed of a configuration is measured."""
MAX_TEST_SENTENCES = 1_000


@dataclass(frozen=True)
class Cell:
    """One training of the plan.

    Attributes:
        corpus: Name of the corpus, a key of `CORPORA`.
        pairs: Number of training pairs.
        minutes: Processor time of the updates.
        seed: Seed of the training; the subset of the corpus is the same for all seeds.
        name: Name of the configuration in the table.
        options: Items `key=value`.
    """

    corpus: str
    pairs: int
    minutes: float
    seed: int
    name: str
    options: tuple[str, ...]

    @property
    def group(self) -> tuple[str, int, float]:
        """What trainings that are compared have in common."""
        return self.corpus, self.pairs, self.minutes

    @property
    def key(self) -> str:
        """The line of the plan without the name, which identifies the result."""
        return " ".join([self.corpus, str(self.pairs), f"{self.minutes:g}", str(self.seed), *self._settings])

    @property
    def speed_key(self) -> str:
        """What determines the speed of the training."""
        return " ".join([self.corpus, str(self.pairs), *self._settings])

    @property
    def _settings(self) -> list[str]:
        """The options, with a hash of the rule of the preset `auto`, because a changed rule is another training."""
        if "preset=auto" not in self.options:
            return sorted(self.options)
        rule = json.dumps(rule_for(self.pairs).options, sort_keys=True)
        return [*sorted(self.options), f"rule={hashlib.sha256(rule.encode()).hexdigest()[:8]}"]


@dataclass(frozen=True)
class Texts:
    """Files of a training and the held-out text, of which a model translates `test`.

    Attributes:
        settings: Options that name the files for training and validation.
        sources: Source sentences of the test.
        references: Their translations.
    """

    settings: tuple[str, ...]
    sources: list[str]
    references: list[str]


class Speedometer(Reporters):
    """Measures target tokens per processor second, and stops the training after `MEASURED_SECONDS`.

    Args:
        interrupt: Stops the training.
    """

    def __init__(self, interrupt: Interrupt) -> None:
        super().__init__()
        self.interrupt = interrupt
        self.begin = self.last = self.elapsed = 0.0
        self.rates: list[float] = []
        self.tokens = 0.0
        self.steps = 0

    def on_start(self, plan: TrainingPlan) -> None:
        """Starts the clock."""
        self.begin = self.last = time.process_time()

    def on_step(self, report: StepReport) -> None:
        """Records the tokens since the last report; the first report is slow, because memory is allocated."""
        now = time.process_time()
        tokens = report.tokens_per_second * (report.elapsed - self.elapsed)
        self.rates.append(tokens / (now - self.last))
        self.tokens += tokens
        self.steps, self.last, self.elapsed = report.step, now, report.elapsed
        if now - self.begin > MEASURED_SECONDS and len(self.rates) > 4:
            self.interrupt.request(save=False)

    @property
    def seconds_per_step(self) -> float:
        """Processor seconds per update at the upper quartile of the measured speeds, which other work slows least."""
        rate = statistics.quantiles(self.rates[1:], n=4)[2]
        return self.tokens / self.steps / rate


def read_plan(path: Path) -> list[Cell]:
    """Reads the lines of a plan; `#` starts a comment."""
    cells = []
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.partition("#")[0].split()
        if words:
            corpus, pairs, minutes, seed, name, *options = words
            cells.append(Cell(corpus, int(pairs), float(minutes), int(seed), name, tuple(options)))
    return cells


def texts_of(cell: Cell, data: Path, out: Path) -> Texts:
    """Writes the subset of a corpus and its validation text, unless they exist."""
    langs, folder = CORPORA[cell.corpus], data / cell.corpus
    home = out / "text" / f"{cell.corpus}-{cell.pairs}"
    home.mkdir(parents=True, exist_ok=True)
    held_out = [list(read_lines(folder / f"val.{lang}")) for lang in langs]
    half = len(held_out[0]) // 2
    settings = []
    for side, lang, val in zip(("src", "tgt"), langs, held_out, strict=True):
        lines = list(read_lines(folder / f"train.{lang}"))
        order = list(range(len(lines)))
        random.Random(1).shuffle(order)
        for kind, content in (("train", [lines[index] for index in order[: cell.pairs]]), ("val", val[:half])):
            path = home / f"{kind}.{lang}"
            if not path.exists():
                path.write_text("".join(f"{line}\n" for line in content), encoding="utf-8")
            settings.append(f"data.{'val_' if kind == 'val' else ''}{side}={path}")
    test = [val[half:][:MAX_TEST_SENTENCES] for val in held_out]
    return Texts(tuple(settings), test[0], test[1])


def speeds_of(out: Path) -> dict[str, float]:
    """Measured processor seconds per update, by `Cell.speed_key`."""
    path = out / "speed.json"
    speeds: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return speeds


def seconds_per_step(cell: Cell, texts: Texts, out: Path) -> float:
    """Processor seconds per update, measured once for all seeds."""
    speeds = speeds_of(out)
    if cell.speed_key not in speeds:
        interrupt = Interrupt()
        meter = Speedometer(interrupt)
        options = ("train.steps=1000000", "train.validate_every=1000000", *texts.settings)
        config = load_config(overrides=(*cell.options, *MACHINE, *options))
        train(config, out / "speed", overwrite=True, reporter=meter, interrupt=interrupt)
        shutil.rmtree(out / "speed")
        speeds = {**speeds_of(out), cell.speed_key: meter.seconds_per_step}
        (out / "speed.json").write_text(json.dumps(speeds, indent=1))
    return speeds[cell.speed_key]


def fixed_steps(cell: Cell) -> int | None:
    """The value of `train.steps` if the cell sets it."""
    fixed = [option for option in cell.options if option.startswith("train.steps=")]
    return int(fixed[-1].partition("=")[2]) if fixed else None


def trained(cell: Cell, texts: Texts, out: Path) -> tuple[TrainResult, int]:
    """Trains one model with the updates that its minutes allow, or continues its training."""
    steps = fixed_steps(cell) or round(60 * cell.minutes / seconds_per_step(cell, texts, out))
    length = (f"train.steps={steps}", f"train.validate_every={max(1, steps // VALIDATIONS)}")
    common = (*MACHINE, "train.validate_sentences=200", f"train.seed={cell.seed}")
    config = load_config(overrides=(*cell.options, *length, *common, *texts.settings))
    name = hashlib.sha256(cell.key.encode()).hexdigest()[:12]
    return train(config, out / "models" / name, resume=True), steps


def run_cell(cell: Cell, data: Path, out: Path) -> dict[str, object]:
    """Trains and scores one model; the translations are part of the result, for paired tests."""
    texts = texts_of(cell, data, out)
    start = time.process_time()
    result, steps = trained(cell, texts, out)
    translator = regard.load(result.path)
    output = [translation.text for translation in translator.translate(texts.sources, beam=5)]
    scores = corpus_scores(output, texts.references)
    config, val = result.config, result.validation
    return {
        "key": cell.key,
        "bleu": scores.bleu,
        "chrf": scores.chrf,
        "nll": None if val is None else val.nll,
        "steps": steps,
        "vocab_size": config.subword.vocab_size,
        "batch_tokens": config.train.batch_tokens,
        "precision": config.train.precision,
        "chosen": result.chosen,
        "process_seconds": time.process_time() - start,
        "signature": translator.signature,
        "translations": output,
    }


def results_of(out: Path) -> dict[str, dict[str, object]]:
    """Finished cells by key."""
    path = out / "results.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    results = (json.loads(line) for line in lines)
    return {str(result["key"]): result for result in results}


def run(options: argparse.Namespace) -> None:
    """Runs the unfinished cells of the plan in their order."""
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    while True:
        done = results_of(out)
        cell = next((cell for cell in read_plan(options.plan) if cell.key not in done), None)
        if cell is None:
            break
        print(f"{time.strftime('%H:%M:%S')} {cell.name}: {cell.key}", flush=True)
        result = run_cell(cell, options.data, out)
        with open(out / "results.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(result, ensure_ascii=False) + "\n")
        print(f"  BLEU {result['bleu']:.2f}, chrF {result['chrf']:.2f}, {result['steps']} steps", flush=True)
        shutil.rmtree(out / "models")


def measure(options: argparse.Namespace) -> None:
    """Measures the speed of one configuration of the plan; exits with status 1 if all are known."""
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    known = speeds_of(out)
    cell = next((c for c in read_plan(options.plan) if c.speed_key not in known and not fixed_steps(c)), None)
    if cell is None:
        sys.exit(1)
    seconds = seconds_per_step(cell, texts_of(cell, options.data, out), out)
    print(f"{1 / seconds:.1f} updates per second: {cell.speed_key}", flush=True)


def table(options: argparse.Namespace) -> None:
    """Prints a row per configuration, with means over seeds and a paired bootstrap against the first one."""
    results = results_of(options.out)
    cells = [cell for cell in read_plan(options.plan) if cell.key in results]
    print("| corpus | pairs | minutes | configuration | seeds | updates | subwords | BLEU | chrF | against the first: "
          "BLEU (p) | chrF (p) |")  # fmt: skip
    print("|---" * 11 + "|")
    for group in dict.fromkeys(cell.group for cell in cells):
        members = [cell for cell in cells if cell.group == group]
        for name in dict.fromkeys(cell.name for cell in members):
            own = [cell for cell in members if cell.name == name]
            first = [cell for cell in members if cell.name == members[0].name]
            print(_row(own, first, results, options))


def _row(
    own: Sequence[Cell], first: Sequence[Cell], results: dict[str, dict[str, object]], options: argparse.Namespace
) -> str:
    """A row of the table: trainings of one configuration, compared with those of the first with the same seeds."""
    mine = [results[cell.key] for cell in own]
    bleu, chrf = (statistics.mean(float(str(result[name])) for result in mine) for name in ("bleu", "chrf"))
    columns = [own[0].corpus, f"{own[0].pairs:,}", f"{own[0].minutes:g}", own[0].name]
    columns += [",".join(str(cell.seed) for cell in own), str(mine[0]["steps"]), str(mine[0]["vocab_size"])]
    columns += [f"{bleu:.2f}", f"{chrf:.2f}"]
    by_seed = {cell.seed: cell for cell in first}
    both = [(by_seed[cell.seed], cell) for cell in own if cell.seed in by_seed]
    if both and own[0].name != first[0].name:
        references = texts_of(own[0], options.data, options.out).references * len(both)
        before, after = ([line for pair in both for line in translations(results[pair[i].key])] for i in (0, 1))
        columns += [
            f"{difference.after - difference.before:+.2f} ({difference.p_value:.3f})"
            for difference in differences(before, after, references)
        ]
    return "| " + " | ".join(columns + [""] * (11 - len(columns))) + " |"


def translations(result: dict[str, object]) -> list[str]:
    """The translations of a finished cell."""
    return cast("list[str]", result["translations"])


def main() -> None:
    """Measures speeds, runs a plan, or prints its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("measure", "run", "table"))
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--out", type=Path, default=Path("runs/presets"))
    parser.add_argument("--plan", type=Path, default=Path("benchmarks/presets.txt"))
    options = parser.parse_args()
    {"measure": measure, "run": run, "table": table}[options.task](options)


if __name__ == "__main__":
    main()
