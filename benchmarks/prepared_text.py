"""Measures how much memory and time a training on generated pairs takes, and how fast text is prepared.

    python benchmarks/prepared_text.py --src train.en --tgt train.fr --pairs 1000000 --directory DIR --train
    python benchmarks/prepared_text.py --src train.en --tgt train.fr --pairs 1000000 --directory DIR --vocabulary MODEL

The pairs are the lines of the files over and over, each with a number. The script trains a small model for a few steps,
resumes the training, and prints the largest anonymous memory of the training process (without the pages of mapped
files, which the system can take back), the largest memory of all its processes together (each page once), and the
seconds until the first report of a step. With a vocabulary, it measures the speed of `regard data prepare`; with
`--interruptions N`, it also prepares the text with N kills at random moments, and compares the files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

_SETTINGS = (
    "train.validate_every=1000000",
    "train.max_minutes=600",
    "train.batch_tokens=1024",
    "train.precision=float32",
    "train.threads=1",
    "train.tensorboard=false",
    "subword.vocab_size=8000",  # so that the model does not depend on the number of pairs
)


def generate(src: Path, tgt: Path, count: int, directory: Path) -> tuple[Path, Path]:
    """Writes numbered copies of the lines of a corpus.

    Args:
        src: Source lines.
        tgt: Target lines.
        count: Number of pairs.
        directory: Directory of the result.

    Returns:
        The files of both sides.
    """
    paths = directory / f"{count}.src", directory / f"{count}.tgt"
    for path, lines in zip(paths, (src, tgt), strict=True):
        if path.exists():
            continue
        stripped = [line.rstrip("\n") for line in lines.open(encoding="utf-8")]
        with path.open("w", encoding="utf-8") as file:
            for number, line in enumerate(islice(cycle(stripped), count)):
                file.write(f"{line} {number}\n")
    return paths


def tree(pid: int) -> Iterator[int]:
    """Yields the ids of a process and of all its descendants."""
    yield pid
    try:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from tree(int(child))
    except OSError:
        return


def memory(pid: int) -> tuple[int, int]:
    """Anonymous resident memory of a process, and proportional memory of its tree, in KiB."""
    own = total = 0
    for each in tree(pid):
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        sizes = {line.split()[0]: int(line.split()[1]) for line in lines[1:] if len(line.split()) == 3}
        total += sizes.get("Pss:", 0)
        own = sizes.get("Anonymous:", 0) if each == pid else own
    return own, total


def train(arguments: Sequence[str], *, steps: int, log: Path) -> dict[str, float]:
    """Runs a training until it has done some steps, and then stops it.

    Args:
        arguments: Arguments of `regard train`.
        steps: Number of steps.
        log: File for the messages.

    Returns:
        Largest memory in MB of the process (`own`) and of its tree (`tree`), and the seconds until the first report.
    """
    start, first = time.monotonic(), 0.0
    peaks = [0, 0]
    with log.open("w") as file:
        process = subprocess.Popen([sys.executable, "-m", "regard", "train", *arguments], stderr=file, stdout=file)
        while process.poll() is None:
            peaks = [max(pair) for pair in zip(peaks, memory(process.pid), strict=True)]
            done = [
                int(number.replace(",", "")) for number in re.findall(r"^step ([\d,]+)/", log.read_text(), re.MULTILINE)
            ]
            if done and not first:
                first = time.monotonic() - start
            if done and done[-1] >= steps:
                process.send_signal(signal.SIGINT)
                process.wait()
            time.sleep(0.2)
    return {"own": peaks[0] / 1024, "tree": peaks[1] / 1024, "seconds": first}


def digest(directory: Path) -> str:
    """Hash of all files of prepared text except locks."""
    result = hashlib.sha256()
    for path in sorted(directory.iterdir()):
        if path.is_file() and not path.name.startswith("lock."):
            result.update(path.name.encode() + path.read_bytes())
    return result.hexdigest()


def prepare(arguments: Sequence[str], out: Path, *, kills: int = 0, seconds: float = 0.0) -> float:
    """Prepares text, and kills the process and its workers at random moments first.

    Args:
        arguments: Arguments of `regard data prepare` but the output.
        out: The output.
        kills: Number of kills.
        seconds: Duration of an undisturbed run, for the moments.

    Returns:
        Seconds of the last run.
    """
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "regard", "data", "prepare", *arguments, "--out", str(out)]
    generator = random.Random(1)
    for _ in range(kills):
        process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
        time.sleep(generator.uniform(0.2, 1.0) * seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    start = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - start


def main() -> None:
    """Runs the measurements, and prints one JSON object per line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--src", type=Path, required=True)
    parser.add_argument("--tgt", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--vocabulary", type=Path)
    parser.add_argument("--interruptions", type=int, default=0)
    parser.add_argument("--train", action="store_true")
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    src, tgt = generate(options.src, options.tgt, options.pairs, options.directory)
    texts = [f"--src={src}", f"--tgt={tgt}"]
    out = options.directory / f"{options.pairs}.model"
    if options.train:
        shutil.rmtree(out, ignore_errors=True)
        settings = [f"--set={setting}" for setting in (*_SETTINGS, f"data.prepared={out}.prepared")]
        arguments = ["--preset=transformer-tiny", *texts, *settings, f"--out={out}"]
        log = options.directory / f"{options.pairs}.log"
        print(json.dumps({"pairs": options.pairs, "run": "new", **train(arguments, steps=20, log=log)}), flush=True)
        print(json.dumps({"run": "resumed", **train(["--resume", f"--out={out}"], steps=40, log=log)}), flush=True)
    if options.vocabulary is not None:
        given = [*texts, f"--vocabulary={options.vocabulary}"]
        whole, cut = options.directory / "whole.prepared", options.directory / "cut.prepared"
        seconds = prepare(given, whole)
        print(json.dumps({"pairs": options.pairs, "seconds": seconds, "pairs/s": options.pairs / seconds}), flush=True)
        if options.interruptions:
            prepare(given, cut, kills=options.interruptions, seconds=seconds)
            print(json.dumps({"kills": options.interruptions, "identical": digest(whole) == digest(cut)}), flush=True)


if __name__ == "__main__":
    main()
