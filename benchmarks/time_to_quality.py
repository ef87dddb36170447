"""How long until a translator is good? Minutes to a BLEU on the validation set, for regard and other toolkits.

    python benchmarks/time_to_quality.py --data multi30k --peers /tmp/peers --out runs/quality [--minutes 20]

Trains the Transformer of `transformer-tiny` with regard, OpenNMT-py, Hugging Face's Marian and JoeyNMT, one after the
other, each by its own documented means (`toolkits.py`) and alone on the machine; then translates the validation set
greedily with every checkpoint, scores all with one sacreBLEU, and interpolates. The clock of a checkpoint is the time
at which its file was finished less that at which its process was started: regard's learning of subwords and choice of
a number format included, the others' preparations not. `--pauses` names a file with two epoch seconds a line, between
which everything stood still. What is there already is not done again: called again, perhaps with more `--minutes`, it
goes on from the last checkpoints, and the time since then does not count.
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
from typing import NamedTuple

from matplotlib.figure import Figure
from quality_plan import Plan, environment
from toolkits import TOOLKITS, Toolkit

from regard.evaluate.scores import corpus_bleu
from regard.text.readers import read_lines

WANTED = (45.0, 50.0)
COLORS = {"regard": "#d55e00", "OpenNMT-py": "#0072b2", "JoeyNMT": "#009e73", "Marian (Hugging Face)": "#cc79a7"}


class Point(NamedTuple):
    """A checkpoint: updates, minutes without pauses, BLEU."""

    step: int
    minutes: float
    bleu: float


class Clock:
    """Minutes of a training, without those in which it stood still or had ended in between.

    Args:
        toolkit: Whose.
        pauses: A file with two epoch seconds a line.
    """

    def __init__(self, toolkit: Toolkit, pauses: Path | None) -> None:
        self.file = toolkit.home / "started.json"
        known = json.loads(self.file.read_text()) if self.file.exists() else {"start": time.time()}
        self.start: float = known["start"]
        self.breaks: list[tuple[float, float]] = [(begin, end) for begin, end in known.get("breaks", [])]
        lines = pauses.read_text().splitlines() if pauses and pauses.exists() else []
        self.pauses = [(float(begin), float(end)) for begin, end in map(str.split, lines)]

    def go_on(self, since: float | None) -> None:
        """Notes that a process starts; what passed `since` the last checkpoint does not count."""
        if since is not None:
            self.breaks.append((since, time.time()))
        self.file.write_text(json.dumps({"start": self.start, "breaks": self.breaks}))

    def minutes(self, moment: float) -> float:
        """At a moment in epoch seconds."""
        still, until = 0.0, self.start
        for begin, end in sorted((*self.breaks, *self.pauses)):  # some overlap
            still += max(0.0, min(moment, end) - max(until, begin))
            until = max(until, end)
        return (moment - self.start - still) / 60.0


def train(toolkit: Toolkit, options: argparse.Namespace) -> None:
    """Starts a training or goes on with it, and ends it after its time or at its own end."""
    last = max((path.stat().st_mtime for path in toolkit.checkpoints().values()), default=None)
    toolkit.home.mkdir(parents=True, exist_ok=True)
    clock = Clock(toolkit, options.pauses)
    if last is None:
        toolkit.prepare()
        clock.start = time.time()
    elif clock.minutes(last) >= options.minutes:
        return
    with open(toolkit.home / "log", "a", encoding="utf-8") as log:
        clock.go_on(last)
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
    """BLEU and minutes of every checkpoint; scores are kept in `scores.json`."""
    kept = toolkit.home / "scores.json"
    scores: dict[str, float] = json.loads(kept.read_text()) if kept.exists() else {}
    references = list(read_lines(toolkit.plan.text("val", 1)))
    clock, points = Clock(toolkit, options.pauses), []
    for step, checkpoint in toolkit.checkpoints().items():
        if str(step) not in scores:
            scores[str(step)] = corpus_bleu(toolkit.translate(checkpoint), references)
            kept.write_text(json.dumps(scores))
        points.append(Point(step, clock.minutes(checkpoint.stat().st_mtime), scores[str(step)]))
        print(f"{toolkit.name} {step}: {points[-1].minutes:.2f} min, BLEU {points[-1].bleu:.2f}", flush=True)
    return points


def reached(points: Sequence[Point], bleu: float) -> tuple[float, Point] | None:
    """The minute at which a score was passed, on a line between checkpoints, and the first checkpoint above."""
    for before, after in zip([Point(0, 0.0, 0.0), *points], points, strict=False):
        if after.bleu >= bleu:
            share = (bleu - before.bleu) / (after.bleu - before.bleu)
            return before.minutes + share * (after.minutes - before.minutes), after
    return None


def speed(points: Sequence[Point], tokens: float) -> float:
    """Target tokens a second, the median between two checkpoints."""
    pairs = itertools.pairwise(points)
    return statistics.median((b.step - a.step) * tokens / (60.0 * (b.minutes - a.minutes)) for a, b in pairs)


def table(curves: dict[str, list[Point]], toolkits: dict[str, Toolkit]) -> str:
    """Markdown, a row a toolkit."""
    goals = " | ".join(f"minutes to BLEU {bleu:.0f} (first checkpoint above) | times regard's" for bleu in WANTED)
    rows = [
        f"| toolkit | parameters | target tokens an update | tokens/s | {goals} | best BLEU |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    ours = {bleu: reached(curves["regard"], bleu) if "regard" in curves else None for bleu in WANTED}
    for name, points in curves.items():
        tokens = toolkits[name].tokens_an_update()
        cells = []
        for bleu in WANTED:
            found, own = reached(points, bleu), ours[bleu]
            first = f"{found[0]:.1f} ({found[1].minutes:.1f}, update {found[1].step:,})" if found else "not reached"
            ratio = f"{found[0] / own[0]:.1f}" if found and own and name != "regard" else ""
            cells += [first, ratio]
        best = max(points, key=lambda point: point.bleu)
        rows.append(
            f"| {name} | {toolkits[name].num_parameters():,} | {tokens:,.0f} | {speed(points, tokens):,.0f} "
            f"| {' | '.join(cells)} | {best.bleu:.1f} ({best.minutes:.1f} min, update {best.step:,}) |"
        )
    return "\n".join(rows)


def draw(curves: dict[str, list[Point]], path: Path) -> None:
    """BLEU by minutes."""
    figure = Figure(figsize=(6, 3.6), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for bleu in WANTED:
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
    """Trains, translates, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train.en, train.fr, val.en, val.fr")
    parser.add_argument("--peers", type=Path, required=True, help="environment with the other toolkits")
    parser.add_argument("--out", type=Path, default=Path("runs/quality"))
    parser.add_argument("--languages", default="en,fr", help="endings of source and target")
    parser.add_argument("--toolkits", default="regard,OpenNMT-py,Marian (Hugging Face),JoeyNMT")
    parser.add_argument("--stages", default="train,report")
    parser.add_argument("--minutes", type=float, default=20.0, help="longest training, without pauses")
    parser.add_argument("--steps", type=int, help="updates at most; regard's own choice for itself when not given")
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
                plan.cut()
            train(toolkit, options)
    if "report" in options.stages:
        curves = {name: curve(toolkit, options) for name, toolkit in toolkits.items()}
        text = table(curves, toolkits)
        print(text)
        (out / "table.md").write_text(text + "\n", encoding="utf-8")
        draw(curves, out / "time-to-quality.png")


if __name__ == "__main__":
    main()
