"""How long until a translator is good? Minutes to a BLEU on the validation set, for regard and two other toolkits.

    python benchmarks/time_to_quality.py --data multi30k --peers /tmp/peers --out runs/quality [--minutes 20]

Trains the Transformer of `transformer-tiny` with regard, OpenNMT-py and JoeyNMT, one after the other, each by the
commands of its own documentation (`toolkits.py`) and alone on the machine; then translates the validation set greedily
with every checkpoint, scores all with one sacreBLEU, and interpolates. The clock of a checkpoint is the time at which
its file was finished less that at which its process was started: regard's learning of subwords and choice of a number
format included, the others' preparations not. `--pauses` names a file with two epoch seconds a line, between which
everything stood still. What is there already is not done again: to go on after an interruption, call it again.
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
from toolkits import TOOLKITS, Plan, Toolkit, environment

from regard.evaluate.scores import corpus_bleu
from regard.text.readers import read_lines

WANTED = (45.0, 50.0)
COLOURS = {"regard": "#d55e00", "OpenNMT-py": "#0072b2", "JoeyNMT": "#009e73"}


class Point(NamedTuple):
    """A checkpoint: updates, minutes without pauses, BLEU."""

    step: int
    minutes: float
    bleu: float


def paused(pauses: Path | None, begin: float, end: float) -> float:
    """Seconds between two moments in which everything stood still."""
    if pauses is None or not pauses.exists():
        return 0.0
    spans = [[float(number) for number in line.split()] for line in pauses.read_text().splitlines()]
    return sum(max(0.0, min(end, last) - max(begin, first)) for first, last in spans)


def train(toolkit: Toolkit, options: argparse.Namespace) -> None:
    """Starts a training, and ends it after its time or at its own end."""
    started = toolkit.home / "started.json"
    if started.exists():
        return
    toolkit.home.mkdir(parents=True, exist_ok=True)
    toolkit.prepare()
    with open(toolkit.home / "log", "w", encoding="utf-8") as log:
        begin = time.time()
        started.write_text(json.dumps({"start": begin, "command": toolkit.command()}))
        process = subprocess.Popen(
            toolkit.command(), stdout=log, stderr=subprocess.STDOUT, env=environment(options.threads)
        )
        while process.poll() is None:
            minutes = (time.time() - begin - paused(options.pauses, begin, time.time())) / 60.0
            if minutes > options.minutes:
                process.terminate()
                process.wait()
            time.sleep(2.0)
    print(f"{toolkit.name}: ended with {process.returncode}, checkpoints {list(toolkit.checkpoints())}", flush=True)


def curve(toolkit: Toolkit, options: argparse.Namespace) -> list[Point]:
    """BLEU and minutes of every checkpoint; scores are kept in `scores.json`."""
    kept = toolkit.home / "scores.json"
    scores: dict[str, float] = json.loads(kept.read_text()) if kept.exists() else {}
    references = list(read_lines(toolkit.plan.text("val", 1)))
    begin = json.loads((toolkit.home / "started.json").read_text())["start"]
    points = []
    for step, checkpoint in toolkit.checkpoints().items():
        if str(step) not in scores:
            scores[str(step)] = corpus_bleu(toolkit.translate(checkpoint), references)
            kept.write_text(json.dumps(scores))
        end = checkpoint.stat().st_mtime
        points.append(Point(step, (end - begin - paused(options.pauses, begin, end)) / 60.0, scores[str(step)]))
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
        axes.plot(minutes, scores, color=COLOURS[name], marker="o", markersize=3, label=name)
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
    parser.add_argument("--peers", type=Path, required=True, help="environment with OpenNMT-py and JoeyNMT")
    parser.add_argument("--out", type=Path, default=Path("runs/quality"))
    parser.add_argument("--languages", default="en,fr", help="endings of source and target")
    parser.add_argument("--toolkits", default="regard,OpenNMT-py,JoeyNMT")
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
