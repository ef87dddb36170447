"""Kills trainings at random moments, resumes them, and compares the bytes of the weights.

`python tests/faults/killed_trainings.py DIRECTORY [--kills 60] [--seed 1]`

One process loads torch, and each training is a fork of it. Half of the kills come at a random moment of the training,
and half at a random moment while a state or a checkpoint is written. A quarter of the trainings are killed twice. The
variants use accumulated batches and dropout, sampled subwords, and averaged checkpoints. Prints a line of JSON per
variant; the exit status is 1 if the weights of a training differ from those of one that was never killed.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

LOADED = ("regard.cli.main", "regard.train.console", "regard.recipes.training", "torch._dynamo", "sacrebleu")
WORDS = {"one": "un", "dog": "chien", "cat": "chat", "sees": "voit", "big": "grand", "and": "et", "runs": "court"}
SETTINGS = (
    "subword.vocab_size=300", "train.steps=40", "train.validate_every=10", "train.batch_tokens=256", "train.warmup=2",
    "train.threads=1", "train.precision=float32", "train.device=cpu", "train.tensorboard=false", "train.keep=2",
    "train.validate_sentences=2", "train.save_minutes=0.0005", "model.dropout=0.2",
)  # fmt: skip
RECURRENT = ("--preset=bahdanau", "--set=model.embed_size=8", "--set=model.hidden_size=12")
TRANSFORMER = (
    "--preset=transformer-tiny", "--set=model.width=16", "--set=model.heads=2", "--set=model.ff_size=16",
    "--set=model.encoder_layers=1", "--set=model.decoder_layers=1",
)  # fmt: skip
VARIANTS = {
    "accumulation": (*RECURRENT, "--set=train.accumulate=2", "--set=train.average=none"),
    "sampling": (*TRANSFORMER, "--set=subword.sample_alpha=0.3", "--set=train.average=none"),
    "averaging": (*TRANSFORMER, "--set=train.average=best", "--set=train.metric=loss", "--set=train.schedule=plateau"),
    "sampling and averaging": (*RECURRENT, "--set=subword.sample_alpha=0.3", "--set=train.average=last"),
}
NOTHING_TO_RESUME = "no training to resume"
"""Part of the message of `--resume` where no training was prepared."""
SAVED = ("state.safetensors.new", "step-")
"""Parts of the names of the files whose writing starts a save."""


@dataclass
class Tally:
    """Numbers of one variant.

    Attributes:
        kills: Number of trainings and resumed trainings that were killed.
        saving: Number of those that were killed while they wrote a state or a checkpoint.
        early: Number of those that had prepared nothing yet.
        equal: Number of finished trainings with the expected weights.
        different: Number of finished trainings with other weights.
        messages: What went wrong otherwise.
    """

    kills: int = 0
    saving: int = 0
    early: int = 0
    equal: int = 0
    different: int = 0
    messages: list[str] = field(default_factory=list)


class Victim:
    """A fork that runs a command of regard.

    Args:
        arguments: The command.
        log: File for its output.
    """

    def __init__(self, arguments: list[str], log: Path) -> None:
        self.log = log
        reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reader)
            self._work(arguments, writer)
        os.close(writer)
        self.saves = os.fdopen(reader, "rb", buffering=0)

    def _work(self, arguments: list[str], writer: int) -> None:
        """Writes a byte to the pipe whenever a state or a checkpoint is about to be written."""

        def on_event(event: str, details: tuple[object, ...]) -> None:
            if event == "open" and any(part in str(details[0]) for part in SAVED) and "w" in str(details[1] or "w"):
                os.write(writer, b".")

        status = 70
        try:
            handle = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for stream in (1, 2):
                os.dup2(handle, stream)
            sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
            sys.addaudithook(on_event)
            from regard.cli.main import app

            try:
                app(arguments)
            except SystemExit as end:
                status = int(end.code or 0)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)

    def wait(self) -> int:
        """Exit status; negative for a signal."""
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.saves.close()
        return status

    def kill_after(self, seconds: float) -> bool:
        """Kills it; returns whether it was still running."""
        time.sleep(seconds)
        os.kill(self.pid, signal.SIGKILL)
        return self.wait() == -signal.SIGKILL

    def kill_in_save(self, number: int, seconds: float) -> bool:
        """Kills it some time after it began to write its file `number`; returns whether it was still running."""
        for _ in range(number):
            if not self.saves.read(1):
                break
        return self.kill_after(seconds)


class Trials:
    """Trainings of one variant that are killed.

    Args:
        root: Directory of all files.
        options: Options of the variant.
        draw: Source of the random moments.
    """

    def __init__(self, root: Path, options: tuple[str, ...], draw: random.Random) -> None:
        self.out, self.log, self.draw = root / "out", root / "log", draw
        text = root / "corpus"
        files = [f"--{side}={text / name}" for side, name in (("src", "train.en"), ("tgt", "train.fr"))]
        files += [f"--val-{side}={text / name}" for side, name in (("src", "val.en"), ("tgt", "val.fr"))]
        settings = [f"--set={setting}" for setting in SETTINGS]
        self.new = ["train", f"--out={self.out}", *settings, *options, *files]
        self.resume = ["train", f"--out={self.out}", "--resume"]
        self.tally = Tally()
        start = time.monotonic()
        self.finish(self.new)
        self.seconds = time.monotonic() - start
        self.weights = self.read_weights()

    def read_weights(self) -> bytes:
        """Bytes of the model's weights."""
        return (self.out / "weights.safetensors").read_bytes()

    def finish(self, command: list[str]) -> None:
        """Runs a command that must succeed."""
        status = Victim(command, self.log).wait()
        if status:
            raise RuntimeError(f"status {status}: {self.log.read_text(errors='replace')[-600:]}")

    def kill(self, command: list[str]) -> None:
        """Starts a training and kills it at a random moment, or at one within a save."""
        victim = Victim(command, self.log)
        if self.draw.random() < 0.5:
            self.tally.kills += victim.kill_after(self.draw.uniform(0.0, self.seconds))
        else:
            killed = victim.kill_in_save(self.draw.randint(1, 12), self.draw.choice((0.0, 0.0005, 0.002, 0.006)))
            self.tally.kills += killed
            self.tally.saving += killed

    def run(self) -> None:
        """Kills a training once or twice, resumes it to its end, and compares its weights."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.kill(self.new)
        if self.draw.random() < 0.25 and self.can_resume():
            self.kill(self.resume)
        try:
            if self.can_resume():
                self.finish_resumed()
            else:
                self.finish(self.new)
        except RuntimeError as error:
            self.tally.messages.append(str(error))
            return
        if self.read_weights() == self.weights:
            self.tally.equal += 1
        else:
            self.tally.different += 1

    def finish_resumed(self) -> None:
        """Resumes the training, or starts it if it was killed before its directory was complete."""
        is_complete = (self.out / "training" / "config.toml").exists()
        try:
            self.finish(self.resume)
        except RuntimeError as error:
            if is_complete or NOTHING_TO_RESUME not in str(error):
                raise
            self.tally.early += 1
            self.finish(self.new)

    def can_resume(self) -> bool:
        """Whether something was prepared that can be resumed."""
        directories = (self.out / name for name in ("training", ".training.new"))
        if any((directory / "config.toml").exists() for directory in directories):
            return True
        self.tally.early += 1
        return False


def write_corpus(directory: Path) -> None:
    directory.mkdir(parents=True)
    draw = random.Random(1)
    for name, count in (("train", 160), ("val", 4)):
        rows = [draw.choices(list(WORDS), k=draw.randint(2, 8)) for _ in range(count)]
        for ending, lines in (("en", rows), ("fr", [[WORDS[word] for word in row] for row in rows])):
            (directory / f"{name}.{ending}").write_text("".join(" ".join(line) + "\n" for line in lines))


def main() -> int:
    parser = argparse.ArgumentParser(description="See the top of the file.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
        environment = os.environ | one_thread | {"TOKENIZERS_PARALLELISM": "false"}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)
    for name in LOADED:
        importlib.import_module(name)
    root = options.directory.resolve()
    write_corpus(root / "corpus")
    gc.collect()
    gc.freeze()
    faults = 0
    for number, (name, variant) in enumerate(VARIANTS.items()):
        trials = Trials(root, variant, random.Random(f"{options.seed} {name}"))
        share = (options.kills * (number + 1)) // len(VARIANTS) - (options.kills * number) // len(VARIANTS)
        while trials.tally.kills < share:
            trials.run()
        shutil.rmtree(trials.out)
        print(json.dumps({"variant": name, "seconds": round(trials.seconds, 2), **vars(trials.tally)}), flush=True)
        faults += trials.tally.different + len(trials.tally.messages)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
