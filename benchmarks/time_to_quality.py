"""How many minutes of training does regard need to reach a BLEU, compared with other toolkits?

    python benchmarks/time_to_quality.py --data multi30k --peers /tmp/peers --out runs/quality [--minutes 20]

Trains the Transformer of `transformer-tiny` with regard, OpenNMT-py, Hugging Face's Marian and JoeyNMT, one after the
other, each as documented (`toolkits.py`) and alone on the machine; then translates the validation set greedily with
every checkpoint, scores all translations with the same sacreBLEU, and interpolates. The time of a checkpoint runs from
the start of the process to the end of writing its file. For regard it includes learning subwords and choosing a
precision; for the others it excludes their preparation. `--pauses` names a file with two times per line, in seconds
since the epoch, between which the machine was paused. Finished steps are not repeated: called again, for example with
more `--minutes`, the script resumes from the last checkpoints, and the time in between does not count.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict

from matplotlib.figure import Figure
from quality_plan import Plan, environment
from toolkits import TOOLKITS, Toolkit

from regard.evaluate.scores import corpus_bleu
from regard.text.readers import read_lines

TARGETS = (45.0, 50.0)
COLORS = {"regard": "#d55e00", "OpenNMT-py": "#0072b2", "JoeyNMT": "#009e73", "Marian (Hugging Face)": "#cc79a7"}


class Point(NamedTuple):
    """A checkpoint: number of updates, minutes without pauses, BLEU."""

    step: int
    minutes: float
    bleu: float


class Started(TypedDict):
    """When a training started, and its interruptions, in seconds since the epoch."""

    start: float
    breaks: list[tuple[float, float]]


class Clock:
    """Minutes of a training, without pauses and without the time between interruption and resumption.

    Args:
        toolkit: Toolkit that trains.
        pauses: File with start and end of a pause per line, in seconds since the epoch; None = no pauses.
    """

    def __init__(self, toolkit: Toolkit, pauses: Path | None) -> None:
        self.file = toolkit.home / "started.json"
        state: Started = {"start": time.time(), "breaks": []}
        if self.file.exists():
            state |= json.loads(self.file.read_text())
        self.start: float = state["start"]
        self.breaks: list[tuple[float, float]] = [(begin, end) for begin, end in state["breaks"]]
        lines = pauses.read_text().splitlines() if pauses and pauses.exists() else []
        self.pauses = [(float(begin), float(end)) for begin, end in map(str.split, lines)]

    def resume(self, since: float | None) -> None:
        """Records the start of a process; the time since the last checkpoint (`since`) does not count."""
        if since is not None:
            self.breaks.append((since, time.time()))
        self.file.write_text(json.dumps({"start": self.start, "breaks": self.breaks}))

    def minutes(self, moment: float) -> float:
        """Minutes of training at a moment, given in seconds since the epoch."""
        paused, until = 0.0, self.start
        for begin, end in sorted((*self.breaks, *self.pauses)):  # some overlap
            paused += max(0.0, min(moment, end) - max(until, begin))
            until = max(until, end)
        return (moment - self.start - paused) / 60.0


def train(toolkit: Toolkit, options: argparse.Namespace) -> None:
    """Starts or resumes a training, and stops it when its time is over."""
    last = max((path.stat().st_mtime for path in toolkit.checkpoints().values()), default=None)
    toolkit.home.mkdir(parents=True, exist_ok=True)
    clock = Clock(toolkit, options.pauses)
    if last is None:
        toolkit.prepare()
        clock.start = time.time()
    elif clock.minutes(last) >= options.minutes:
        return
    with open(toolkit.home / "log", "a", encoding="utf-8") as log:
        clock.resume(last)
        process = subprocess.Popen(
            toolkit.command(), stdout=log, stderr=subprocess.STDOUT, env=environment(options.threads)
        )
        while process.poll() is None:
            if clock.minutes(time.time()) > options.minutes:
                process.terminate()
                process.wait()
            time.sleep(2.0)
    print(f"{toolkit.name}: ended with {process.returncode}, checkpoints {list(toolkit.checkpoints())}", flush=True)


def curve(toolkit: Toolkit, options: argparse.Namespace) -> list[Point]:
    """BLEU and minutes of every checkpoint; scores are cached in `scores.json`."""
    cache = toolkit.home / "scores.json"
    scores: dict[str, float] = json.loads(cache.read_text()) if cache.exists() else {}
    references = list(read_lines(toolkit.plan.text("val", 1)))
    clock, points = Clock(toolkit, options.pauses), []
    for step, checkpoint in toolkit.checkpoints().items():
        if str(step) not in scores:
            scores[str(step)] = corpus_bleu(toolkit.translate(checkpoint), references)
            cache.write_text(json.dumps(scores))
        points.append(Point(step, clock.minutes(checkpoint.stat().st_mtime), scores[str(step)]))
        print(f"{toolkit.name} {step}: {points[-1].minutes:.2f} min, BLEU {points[-1].bleu:.2f}", flush=True)
    return points


def reached(points: Sequence[Point], bleu: float) -> tuple[float, Point] | None:
    """Minutes until a score, interpolated between checkpoints, and the first checkpoint above it."""
    for before, after in zip([Point(0, 0.0, 0.0), *points], points, strict=False):
        if after.bleu >= bleu:
            share = (bleu - before.bleu) / (after.bleu - before.bleu)
            return before.minutes + share * (after.minutes - before.minutes), after
    return None


def speed(points: Sequence[Point], tokens: float) -> float:
    """Target tokens per second, as the median over intervals between checkpoints."""
    pairs = itertools.pairwise(points)
    return statistics.median((b.step - a.step) * tokens / (60.0 * (b.minutes - a.minutes)) for a, b in pairs)


def table(curves: dict[str, list[Point]], toolkits: dict[str, Toolkit]) -> str:
    """A Markdown table with one row per toolkit."""
    headings = " | ".join(
        f"minutes to BLEU {bleu:.0f} (first checkpoint above) | relative to regard" for bleu in TARGETS
    )
    rows = [
        f"| toolkit | parameters | target tokens per update | tokens/s | {headings} | best BLEU |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    ours = {bleu: reached(curves["regard"], bleu) if "regard" in curves else None for bleu in TARGETS}
    for name, points in curves.items():
        tokens = toolkits[name].tokens_per_update()
        cells = []
        for bleu in TARGETS:
            own, baseline = reached(points, bleu), ours[bleu]
            first = f"{own[0]:.1f} ({own[1].minutes:.1f}, update {own[1].step:,})" if own else "not reached"
            ratio = f"{own[0] / baseline[0]:.1f}" if own and baseline and name != "regard" else ""
            cells += [first, ratio]
        best = max(points, key=lambda point: point.bleu)
        rows.append(
            f"| {name} | {toolkits[name].num_parameters():,} | {tokens:,.0f} | {speed(points, tokens):,.0f} "
            f"| {' | '.join(cells)} | {best.bleu:.1f} ({best.minutes:.1f} min, update {best.step:,}) |"
        )
    return "\n".join(rows)


def draw(curves: dict[str, list[Point]], path: Path) -> None:
    """Draws BLEU by minutes."""
    figure = Figure(figsize=(6, 3.6), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for bleu in TARGETS:
        axes.axhline(bleu, color="#bbbbbb", linewidth=0.8, zorder=0)
    for name, points in curves.items():
        minutes, scores = [point.minutes for point in points], [point.bleu for point in points]
        axes.plot(minutes, scores, color=COLORS[name], marker="o", markersize=3, label=name)
    axes.set_xlabel("minutes on two cores")
    axes.set_ylabel("BLEU, validation set, greedy")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower right", frameon=False)
    figure.savefig(path)


def main() -> None:
    """Trains with all toolkits, scores their checkpoints and writes the table and the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train.en, train.fr, val.en, val.fr")
    parser.add_argument("--peers", type=Path, required=True, help="Python environment with the other toolkits")
    parser.add_argument("--out", type=Path, default=Path("runs/quality"))
    parser.add_argument("--languages", default="en,fr", help="file extensions of source and target")
    parser.add_argument("--toolkits", default="regard,OpenNMT-py,Marian (Hugging Face),JoeyNMT")
    parser.add_argument("--stages", default="train,report")
    parser.add_argument("--minutes", type=float, default=20.0, help="minutes of each training, without pauses")
    parser.add_argument("--steps", type=int, help="maximum number of updates; by default, regard derives its own")
    parser.add_argument("--every", type=int, default=200, help="updates between checkpoints")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pauses", type=Path)
    options = parser.parse_args()
    src, tgt = options.languages.split(",")
    out = options.out.resolve()
    plan = Plan(options.data.resolve(), out, options.peers, (src, tgt), options.steps, options.every, options.threads)
    toolkits = {name: TOOLKITS[name](plan) for name in options.toolkits.split(",")}
    for name, toolkit in toolkits.items():
        if "train" in options.stages:
            if name != "regard" and not plan.pieces("train", 0).exists():
                plan.write_pieces()
            train(toolkit, options)
    if "report" in options.stages:
        curves = {name: curve(toolkit, options) for name, toolkit in toolkits.items()}
        text = table(curves, toolkits)
        print(text)
        (out / "table.md").write_text(text + "\n", encoding="utf-8")
        draw(curves, out / "time-to-quality.png")


if __name__ == "__main__":
    main()
