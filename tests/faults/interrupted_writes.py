"""Interrupts jobs at each of their writes, and checks that they can be resumed or restarted.

`python tests/faults/interrupted_writes.py LIBRARY DIRECTORY [--only train,resume] [--how kill,power,full] [--stride N]`

One process loads torch, and each try is a fork of it. A job writes to a directory of its own. LIBRARY, compiled from
`interrupted_writes.c`, counts the writes, and at one of them kills the process (`kill`), kills it and discards data
that was not synced (`power`), simulates a full disk from there on (`full`), or makes only that write fail (`once`, for
trainings). Prints a line of JSON per job and mode,
and one per problem; the exit status is 1 if there are problems.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import hashlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

MODES = {"count": 0, "kill": 1, "power": 2, "full": 3, "once": 4}
SURVIVED = {"full": "No space left", "once": "Input/output error"}
"""Modes in which the job goes on, and the reason that its message must give if it fails."""
LOADED = (
    "regard.cli.main", "regard.interop.ctranslate2.exporter", "regard.interop.exported",
    "regard.interop.marian.exporter", "regard.interop.marian.importer", "regard.interop.onnx.exporter",
    "regard.lab.report", "regard.lab.worker", "regard_phrasebook.en_fr.grammar", "regard.train.console",
    "regard.recipes.training", "regard.translation.translator",
)  # fmt: skip
ENGINES = ("onnx", "ctranslate2", "transformers.models.marian.modeling_marian", "torch._dynamo")
WORDS = {"one": "un", "dog": "chien", "cat": "chat", "sees": "voit", "big": "grand", "and": "et", "runs": "court"}
NOTHING_TO_RESUME = "no training to resume"
"""Part of the message of `--resume` where no training was prepared."""
ALREADY_DONE = ("something is there", "already contains")
"""Parts of messages about outputs that exist."""
SMALL = (
    "subword.vocab_size=300", "train.steps=4", "train.validate_every=2", "train.batch_tokens=256", "train.warmup=1",
    "train.threads=1", "train.precision=float32", "train.device=cpu",
    "train.validate_sentences=2", "train.keep=2",
    "search.max_len_ratio=1", "search.max_len_offset=4",  # so short a training ends no translation before its limit
)  # fmt: skip
RECURRENT = ("model.embed_size=4", "model.hidden_size=4")
TRANSFORMER = (
    "model.norm=post", "model.width=8", "model.heads=2", "model.ff_size=8", "model.encoder_layers=1",
    "model.decoder_layers=1",
)  # fmt: skip
LAB = """
baseline = "first"
seeds = [1]

[corpus]
phrasebook = "en-fr"
pairs = 60
max_words = 6

[base]
set = [{base}]

[systems]
first = ["model.attention.score=additive"]
second = ["model.attention.score=dot"]

[measure]
trials = 5
gradients = 0
"""


@dataclass
class Result:
    """Result of a fork.

    Attributes:
        status: Exit status; negative for a signal.
        output: Standard output and error.
        events: Number of writes.
    """

    status: int
    output: str
    events: int


@dataclass
class Job:
    """A job that writes files.

    Attributes:
        name: Name of the job.
        work: Runs the job; returns an exit status.
        check: Describes what is wrong with the directory after an interruption; None if nothing is.
        start: Directory that is copied to the working directory before each try, if any.
        threads: Whether the job starts threads, so that it cannot run in this process before it is forked.
    """

    name: str
    work: Callable[[], int]
    check: Callable[[], str | None]
    start: Path | None = None
    threads: bool = False


@dataclass
class Bench:
    """The environment in which jobs run.

    Attributes:
        root: Directory of all files.
        library: The compiled library, which this process has loaded.
        counts: Number of outcomes of the current job, by name.
    """

    root: Path
    library: ctypes.CDLL
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        """Output directory of a job."""
        return self.root / "work" / "out"

    def fork(self, work: Callable[[], int], *, at: int = 0, how: str = "count") -> Result:
        """Runs work in a fork, and counts or interrupts its writes."""
        log, count_file = self.root / "log", self.root / "count"
        log.write_bytes(b"")
        count_file.write_text("0")
        pid = os.fork()
        if pid == 0:
            self._child(work, log, count_file, at, how)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return Result(status, log.read_text(errors="replace"), int(count_file.read_text() or 0))

    def _child(self, work: Callable[[], int], log: Path, count_file: Path, at: int, how: str) -> None:
        status = 70
        try:
            handle = os.open(log, os.O_WRONLY | os.O_APPEND)
            for stream in (1, 2):
                os.dup2(handle, stream)
            sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
            os.chdir(self.root)
            os.environ["TMPDIR"] = str(self.root / "work" / "tmp")
            self.library.faults_arm(os.fsencode(self.root / "work"), at, MODES[how])
            status = work()
            count_file.write_text(str(self.library.faults_count()))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)

    def warm(self, job: Job) -> None:
        """Runs a job once in this process, so that its forks need not import modules."""
        self.fresh(job.start)
        copies = [os.dup(stream) for stream in (1, 2)]
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        try:
            job.work()
        finally:
            sys.stdout.flush()
            for stream, own in zip((1, 2), copies, strict=True):
                os.dup2(own, stream)
                os.close(own)
            os.close(nowhere)
        deadline = time.monotonic() + 10  # the kernel may list a joined thread for a moment
        while len(os.listdir("/proc/self/task")) > 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        if len(os.listdir("/proc/self/task")) > 1:
            sys.exit(f"{job.name}: cannot fork: this process has several threads, of which a fork has only one")
        gc.collect()
        gc.freeze()

    def run(self, *arguments: str) -> int:
        """Runs a command of regard in this process."""
        from regard.cli.main import app

        try:
            app(arguments)
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    def run_fork(self, *arguments: str) -> Result:
        """Runs a command of regard in a fork, without interruption."""
        return self.fork(lambda: self.run(*arguments))

    def fresh(self, start: Path | None) -> None:
        """Creates the working directory as it is before a job."""
        shutil.rmtree(self.root / "work", ignore_errors=True)
        (self.root / "work" / "tmp").mkdir(parents=True)
        if start is not None:
            shutil.copytree(start, self.out, symlinks=True)

    def count(self, outcome: str) -> None:
        """Counts an outcome of a try."""
        self.counts[outcome] = self.counts.get(outcome, 0) + 1

    def must_run(self, *arguments: str) -> None:
        """Runs a command that has to succeed."""
        done = self.run_fork(*arguments)
        if done.status:
            raise SystemExit(f"{arguments}: {done.status}\n{done.output}")


def corpus(directory: Path) -> None:
    directory.mkdir()
    draw = random.Random(1)
    for name, count in (("train", 40), ("val", 4)):
        rows = [draw.choices(list(WORDS), k=draw.randint(2, 6)) for _ in range(count)]
        for ending, lines in (("en", rows), ("fr", [[WORDS[word] for word in row] for row in rows])):
            (directory / f"{name}.{ending}").write_text("".join(" ".join(line) + "\n" for line in lines))


def training(bench: Bench, *more: str, kind: str = "recurrent") -> list[str]:
    text = bench.root / "corpus"
    files = [f"--{side}={text / name}" for side, name in (("src", "train.en"), ("tgt", "train.fr"))]
    files += [f"--val-{side}={text / name}" for side, name in (("src", "val.en"), ("tgt", "val.fr"))]
    sizes = RECURRENT if kind == "recurrent" else TRANSFORMER
    preset = "bahdanau" if kind == "recurrent" else "transformer-tiny"
    return [
        "train",
        f"--out={bench.out}",
        f"--preset={preset}",
        *files,
        *(f"--set={setting}" for setting in (*SMALL, *sizes, "train.tensorboard=false")),
        *more,
    ]


def signature(model: Path) -> str:
    """Signature of a finished model, which identifies its weights."""
    return str(json.loads((model / "manifest.json").read_text())["signature"])


def tree_hash(directory: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        digest.update(f"{path.relative_to(directory)} ".encode() + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()


def loaded_signature(bench: Bench, directory: Path) -> str | None:
    """Signature of a model, or None if it cannot be loaded."""
    from regard.store import load_model

    def print_signature() -> int:
        print(load_model(directory).manifest.signature)
        return 0

    result = bench.fork(print_signature)
    return result.output.strip() if result.status == 0 else None


def check_training(bench: Bench, expected: set[str], *, has_state: bool) -> str | None:
    """Checks that a training can be resumed to an expected model, or restarted if it has no state."""
    directories = (bench.out / name for name in ("training", ".training.new", ".training.old"))
    has_state = has_state or any((directory / "state.safetensors").exists() for directory in directories)
    saved = bench.root / "saved"
    shutil.rmtree(saved, ignore_errors=True)
    if bench.out.exists():
        shutil.copytree(bench.out, saved, symlinks=True)
    problem = check_resume(bench, expected, has_state=has_state)
    if problem or has_state:
        return problem
    bench.fresh(saved if saved.exists() else None)
    restarted = bench.run_fork(*training(bench))
    if restarted.status != 0 or signature(bench.out) not in expected:
        return f"a new start: {restarted.output[-300:]}"
    bench.count("restarted")
    return None


def check_resume(bench: Bench, expected: set[str], *, has_state: bool) -> str | None:
    """Checks `--resume`, which must succeed if a state was saved."""
    resumed = bench.run_fork("train", f"--out={bench.out}", "--resume")
    if resumed.status == 0:
        bench.count("resumed")
        return None if signature(bench.out) in expected else "it was resumed to another model"
    if resumed.status == 2 and NOTHING_TO_RESUME in resumed.output and not has_state:
        return None
    return f"--resume: {resumed.output[-300:]}"


def trainings(bench: Bench) -> list[Job]:
    bench.fresh(None)
    bench.must_run(*training(bench))
    model, finished = signature(bench.out), bench.root / "finished"
    shutil.copytree(bench.out, finished)
    bench.fresh(None)
    bench.must_run(*training(bench, "--set=train.seed=2"))
    other = signature(bench.out)
    bench.fresh(None)
    stopped = bench.root / "stopped"
    done = bench.fork(lambda: stopped_training(bench))
    if done.status != 130:
        raise SystemExit(done.output)
    shutil.copytree(bench.out, stopped)

    def check_overwrite() -> str | None:
        if loaded_signature(bench, bench.out) not in (model, other):
            return "the old model is lost"
        problem = check_training(bench, {model, other}, has_state=True)
        if problem:
            return problem
        again = bench.run_fork(*training(bench, "--set=train.seed=2", "--overwrite"))
        ended_well = again.status == 0 and signature(bench.out) == other
        return None if ended_well else f"--overwrite again: {again.output[-300:]}"

    return [
        Job("train", lambda: bench.run(*training(bench)), lambda: check_training(bench, {model}, has_state=False)),
        Job(
            "resume",
            lambda: bench.run("train", f"--out={bench.out}", "--resume"),
            lambda: check_training(bench, {model}, has_state=True),
            stopped,
        ),
        Job(
            "overwrite",
            lambda: bench.run(*training(bench, "--set=train.seed=2", "--overwrite")),
            check_overwrite,
            finished,
        ),
    ]


def stopped_training(bench: Bench) -> int:
    """A training that is interrupted at its first validation."""
    from regard.train.console import ConsoleReporter

    on_validation = ConsoleReporter.on_validation

    def stop(self: ConsoleReporter, step: int, validation: object, *, best: bool) -> None:
        on_validation(self, step, validation, best=best)  # type: ignore[arg-type]
        signal.raise_signal(signal.SIGTERM)

    ConsoleReporter.on_validation = stop  # type: ignore[method-assign]
    return bench.run(*training(bench))


def exports(bench: Bench) -> list[Job]:
    bench.fresh(None)
    bench.must_run(*training(bench, kind="transformer"))
    model = bench.root / "model"
    shutil.copytree(bench.out, model)
    before, jobs = tree_hash(model), []

    def check(kind: str, command: list[str], read: Callable[[], int]) -> str | None:
        if tree_hash(model) != before:
            return "the model was changed"
        again = bench.run_fork(*command)
        if again.status == 2 and any(phrase in again.output for phrase in ALREADY_DONE):
            bench.count("was done")
        elif again.status == 0:
            bench.count("restarted")
        else:
            return f"again: {again.output[-300:]}"
        result = bench.fork(read)
        return None if result.status == 0 else f"the output is incomplete: {result.output[-300:]}"

    def read_export() -> int:
        from regard.interop.exported import open_export

        open_export(bench.out)
        return 0

    for kind in ("onnx", "ctranslate2", "marian"):
        command = ["export", str(model), f"--to={kind}", f"--out={bench.out}"]

        def read(kind: str = kind) -> int:
            other = f"--out={bench.root / 'work' / 'again'}"
            return bench.run("import", "marian", str(bench.out), other) if kind == "marian" else read_export()

        jobs.append(
            Job(
                f"export {kind}",
                lambda command=command: bench.run(*command),  # type: ignore[misc]
                lambda kind=kind, command=command, read=read: check(kind, command, read),  # type: ignore[misc]
                threads=True,
            )
        )
    bench.fresh(None)
    bench.must_run("export", str(model), "--to=marian", f"--out={bench.out}")
    exported = bench.root / "exported"
    shutil.copytree(bench.out, exported)
    command = ["import", "marian", str(exported), f"--out={bench.out}"]
    jobs.append(
        Job(
            "import",
            lambda: bench.run(*command),
            lambda: check("import", command, lambda: bench.run("info", str(bench.out))),
        )
    )
    return jobs


def labs(bench: Bench) -> list[Job]:
    sets = (*SMALL, *RECURRENT, "model.decoder=luong", "train.steps=2")
    base = ", ".join(json.dumps(setting) for setting in sets)
    (bench.root / "lab.toml").write_text(LAB.format(base=base))

    def run() -> int:
        """Like `regard lab run`, with its workers in this process."""
        from regard.errors import RegardError
        from regard.lab.experiment import set_up
        from regard.lab.load import load_lab
        from regard.lab.report import write_report
        from regard.lab.worker import FINISHED, train_and_measure

        try:
            lab = set_up(load_lab(str(bench.root / "lab.toml")), bench.out)
            for each in lab.runs():
                status = train_and_measure(lab, each, workers=1)
                if status != FINISHED:
                    return status
            write_report(bench.out)
        except RegardError as error:
            print(f"error: {error}")
            return 2
        return 0

    def check() -> str | None:
        finished = {path: path.read_bytes() for path in bench.out.rglob("result.json")}
        again = bench.fork(run)
        if again.status:
            return f"again: {again.output[-300:]}"
        bench.count("resumed")
        changed = [path.name for path, content in finished.items() if path.read_bytes() != content]
        return f"trained again: {changed}" if changed else None

    return [Job("lab", run, check)]


def phrasebooks(bench: Bench) -> list[Job]:
    command = ["phrasebook", "--pairs=30", "--max-length=6", f"--out={bench.out}"]

    def check() -> str | None:
        again = bench.run_fork(*command)
        if again.status == 2 and "--overwrite" in again.output:
            again = bench.run_fork(*command, "--overwrite")
        if again.status:
            return f"again: {again.output[-300:]}"
        bench.count("restarted")
        left = sorted(path.name for path in bench.out.iterdir())
        return None if len(left) == 9 else f"left over: {left}"

    return [Job("phrasebook", lambda: bench.run(*command), check)]


def check_end(result: Result, how: str) -> str | None:
    """Checks the exit status and message of an interrupted job."""
    if how not in SURVIVED:
        return None if result.status == -signal.SIGKILL else f"status {result.status}: {result.output[-300:]}"
    if result.status not in (0, 2) or "internal error" in result.output or "Traceback" in result.output:
        return f"status {result.status}: {result.output[-600:]}"
    if result.status == 2 and SURVIVED[how] not in result.output:
        return f"no message about the reason: {result.output[-300:]}"
    return None


def count_writes(bench: Bench, job: Job) -> int:
    """Number of writes of a job that is not interrupted."""
    if not job.threads:
        bench.warm(job)
    bench.fresh(job.start)
    complete = bench.fork(job.work)
    if complete.status:
        raise SystemExit(f"{job.name}: {complete.output}")
    return complete.events


def try_all(bench: Bench, job: Job, how: str, *, num_writes: int, stride: int) -> bool:
    """Interrupts a job at every `stride`-th write; returns whether all tries ended well."""
    bench.counts, tries = {}, 0
    problems: list[dict[str, object]] = []
    for at in range(1 + (MODES[how] * 7) % stride, num_writes + 1, stride):
        bench.fresh(job.start)
        result = bench.fork(job.work, at=at, how=how)
        if result.status == 0 and how not in SURVIVED:
            break  # fewer writes this time, such as of progress that is written once per second
        tries += 1
        problem = check_end(result, how) or job.check()
        if problem:
            problems.append({"at": at, "wrong": problem})
    summary = {"job": job.name, "how": how, "events": num_writes, "tries": tries, **bench.counts}
    print(json.dumps({**summary, "wrong": len(problems)}), flush=True)
    for entry in problems:
        print(json.dumps(entry), flush=True)
    return not problems


def main() -> int:
    parser = argparse.ArgumentParser(description="See the top of the file.")
    parser.add_argument("library", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--how", default="kill,power,full,once")
    parser.add_argument("--stride", type=int, default=1)
    options = parser.parse_args()
    if str(options.library.absolute()) not in os.environ.get("LD_PRELOAD", ""):
        one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
        preload = " ".join(filter(None, [str(options.library.absolute()), os.environ.get("LD_PRELOAD")]))
        environment = os.environ | one_thread | {"LD_PRELOAD": preload, "TOKENIZERS_PARALLELISM": "false"}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)
    for name in (*LOADED, *ENGINES):
        importlib.import_module(name)
    root = options.directory.resolve()
    root.mkdir(parents=True)
    corpus(root / "corpus")
    bench = Bench(root, ctypes.CDLL(None))
    names = [name for name in options.only.split(",") if name]
    all_well = True
    for kinds, make in MAKERS.items():
        if names and not set(names) & set(kinds):
            continue
        for job in make(bench):
            if not names or job.name in names:
                modes = [how for how in options.how.split(",") if how != "once" or make is trainings]
                num_writes = count_writes(bench, job)
                for how in modes:
                    all_well = try_all(bench, job, how, num_writes=num_writes, stride=options.stride) and all_well
    return 0 if all_well else 1


MAKERS = {
    ("train", "resume", "overwrite"): trainings,
    ("export onnx", "export ctranslate2", "export marian", "import"): exports,
    ("lab",): labs,
    ("phrasebook",): phrasebooks,
}


if __name__ == "__main__":
    sys.exit(main())
