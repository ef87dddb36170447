"""Ends whole jobs at each of their writes, and looks whether what is left goes on or lets itself be begun anew.

`python tests/faults/interrupted_writes.py LIBRARY DIRECTORY [--only train,resume] [--how kill,power,full] [--stride N]`

One process loads torch, and each try is a fork of it. A job writes in a directory of its own; LIBRARY, which is
`interrupted_writes.c` compiled, counts its writes and dies at one of them (`kill`), dies and loses what was not brought
down to the disk (`power`), or finds the disk full from there on (`full`). Prints a line of JSON for each job and how,
and what went wrong; the exit status is 1 where anything did.
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

MODES = {"count": 0, "kill": 1, "power": 2, "full": 3}
LOADED = (
    "regard.cli.main", "regard.interop.ctranslate2.exporter", "regard.interop.exported",
    "regard.interop.marian.exporter", "regard.interop.marian.importer", "regard.interop.onnx.exporter",
    "regard.lab.report", "regard.lab.worker", "regard_phrasebook.en_fr.grammar", "regard.train.console",
    "regard.recipes.training", "regard.translation.translator",
)  # fmt: skip
ENGINES = ("onnx", "ctranslate2", "transformers.models.marian.modeling_marian", "torch._dynamo")
WORDS = {"one": "un", "dog": "chien", "cat": "chat", "sees": "voit", "big": "grand", "and": "et", "runs": "court"}
SMALL = (
    "subword.vocab_size=300", "train.steps=4", "train.validate_every=2", "train.batch_tokens=256", "train.warmup=1",
    "train.threads=1", "train.precision=float32", "train.device=cpu",
    "train.validate_sentences=2", "train.keep=2",
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
class Tried:
    """What a fork came to.

    Attributes:
        status: Exit status; negative for a signal.
        said: What it wrote to standard output and error.
        events: Writes that it came to.
    """

    status: int
    said: str
    events: int


@dataclass
class Job:
    """Something that writes.

    Attributes:
        name: What to call it.
        work: Does it; returns an exit status.
        judge: Tells what is wrong with the directory after it was cut short at an event; None for nothing.
        start: Copied to where it works before each try; None for nothing.
        threads: Whether it starts threads, so that it cannot be done once before it is forked.
    """

    name: str
    work: Callable[[], int]
    judge: Callable[[], str | None]
    start: Path | None = None
    threads: bool = False


@dataclass
class Bench:
    """Where all of it happens.

    Attributes:
        place: Everything lies below it.
        library: The compiled library, which this process has loaded.
        counts: Outcomes of the job that is tried, by name.
    """

    place: Path
    library: ctypes.CDLL
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        """Where a job writes."""
        return self.place / "work" / "out"

    def fork(self, work: Callable[[], int], *, at: int = 0, how: str = "count") -> Tried:
        """Does work in a fork, whose writes are counted and cut short."""
        log, told = self.place / "log", self.place / "told"
        log.write_bytes(b"")
        told.write_text("0")
        pid = os.fork()
        if pid == 0:
            self._child(work, log, told, at, how)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return Tried(status, log.read_text(errors="replace"), int(told.read_text() or 0))

    def _child(self, work: Callable[[], int], log: Path, told: Path, at: int, how: str) -> None:
        status = 70
        try:
            handle = os.open(log, os.O_WRONLY | os.O_APPEND)
            for stream in (1, 2):
                os.dup2(handle, stream)
            sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
            os.chdir(self.place)
            os.environ["TMPDIR"] = str(self.place / "work" / "tmp")
            self.library.faults_arm(os.fsencode(self.place / "work"), at, MODES[how])
            status = work()
            told.write_text(str(self.library.faults_count()))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)

    def warm(self, job: Job) -> None:
        """Does a job once in this process, so that its forks need not load and compile what it takes."""
        self.fresh(job.start)
        kept = [os.dup(stream) for stream in (1, 2)]
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        try:
            job.work()
        finally:
            sys.stdout.flush()
            for stream, own in zip((1, 2), kept, strict=True):
                os.dup2(own, stream)
                os.close(own)
            os.close(nowhere)
        deadline = time.monotonic() + 10  # the kernel takes a moment to remove a thread that was joined
        while len(os.listdir("/proc/self/task")) > 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        if len(os.listdir("/proc/self/task")) > 1:
            sys.exit(f"{job.name}: a fork has one thread, and could wait for the others for ever")
        gc.collect()
        gc.freeze()

    def run(self, *told: str) -> int:
        """A command of regard's, in this process."""
        from regard.cli.main import app

        try:
            app(told)
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    def tried(self, *told: str) -> Tried:
        """A command of regard's in a fork that nothing befalls."""
        return self.fork(lambda: self.run(*told))

    def fresh(self, start: Path | None) -> None:
        """Makes the directory as it is before a job."""
        shutil.rmtree(self.place / "work", ignore_errors=True)
        (self.place / "work" / "tmp").mkdir(parents=True)
        if start is not None:
            shutil.copytree(start, self.out, symlinks=True)

    def count(self, outcome: str) -> None:
        """Notes how a try ended."""
        self.counts[outcome] = self.counts.get(outcome, 0) + 1

    def needs(self, *told: str) -> None:
        """A command that has to succeed."""
        done = self.tried(*told)
        if done.status:
            raise SystemExit(f"{told}: {done.status}\n{done.said}")


def corpus(place: Path) -> None:
    place.mkdir()
    draw = random.Random(1)
    for name, count in (("train", 40), ("val", 4)):
        rows = [draw.choices(list(WORDS), k=draw.randint(2, 6)) for _ in range(count)]
        for ending, lines in (("en", rows), ("fr", [[WORDS[word] for word in row] for row in rows])):
            (place / f"{name}.{ending}").write_text("".join(" ".join(line) + "\n" for line in lines))


def training(bench: Bench, *more: str, kind: str = "recurrent") -> list[str]:
    at = bench.place / "corpus"
    files = [f"--{side}={at / name}" for side, name in (("src", "train.en"), ("tgt", "train.fr"))]
    files += [f"--val-{side}={at / name}" for side, name in (("src", "val.en"), ("tgt", "val.fr"))]
    sizes = RECURRENT if kind == "recurrent" else TRANSFORMER
    preset = "bahdanau" if kind == "recurrent" else "transformer-tiny"
    return [
        "train",
        f"--out={bench.out}",
        f"--preset={preset}",
        *files,
        *(f"--set={s}" for s in (*SMALL, *sizes, "train.tensorboard=false")),
        *more,
    ]


def weights(model: Path) -> str:
    """Of a finished model, in its signature."""
    return str(json.loads((model / "manifest.json").read_text())["signature"])


def tree(place: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(place.rglob("*")):
        digest.update(f"{path.relative_to(place)} ".encode() + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()


def whole_model(bench: Bench, where: Path) -> str | None:
    """What a model's directory says when it is loaded."""
    from regard.store import load_model

    seen = bench.fork(lambda: print(load_model(where).manifest.signature) or 0)
    return seen.said.strip() if seen.status == 0 else None


def judged_as_training(bench: Bench, right: set[str], *, begun: bool) -> str | None:
    """Whether a training's directory goes on to a right model, or lets itself be begun anew."""
    places = (bench.out / name for name in ("training", ".training.new", ".training.old"))
    trained = begun or any((place / "state.safetensors").exists() for place in places)
    saved = bench.place / "saved"
    shutil.rmtree(saved, ignore_errors=True)
    if bench.out.exists():
        shutil.copytree(bench.out, saved, symlinks=True)
    wrong = gone_on(bench, right, trained=trained)
    if wrong or trained:
        return wrong
    bench.fresh(saved if saved.exists() else None)
    anew = bench.tried(*training(bench))
    if anew.status != 0 or weights(bench.out) not in right:
        return f"a new start: {anew.said[-300:]}"
    bench.count("begins anew")
    return None


def gone_on(bench: Bench, right: set[str], *, trained: bool) -> str | None:
    """What is wrong with `--resume`, which must succeed where something was trained."""
    told = bench.tried("train", f"--out={bench.out}", "--resume")
    if told.status == 0:
        bench.count("goes on")
        return None if weights(bench.out) in right else "it went on to another model"
    if told.status == 2 and "no training to resume" in told.said and not trained:
        return None
    return f"--resume: {told.said[-300:]}"


def trainings(bench: Bench) -> list[Job]:
    bench.fresh(None)
    bench.needs(*training(bench))
    whole, finished = weights(bench.out), bench.place / "finished"
    shutil.copytree(bench.out, finished)
    bench.fresh(None)
    bench.needs(*training(bench, "--set=train.seed=2"))
    other = weights(bench.out)
    bench.fresh(None)
    stopped = bench.place / "stopped"
    done = bench.fork(lambda: stopped_training(bench))
    if done.status != 130:
        raise SystemExit(done.said)
    shutil.copytree(bench.out, stopped)

    def overwritten() -> str | None:
        if whole_model(bench, bench.out) not in (whole, other):
            return "the model that was there is lost"
        wrong = judged_as_training(bench, {whole, other}, begun=True)
        if wrong:
            return wrong
        again = bench.tried(*training(bench, "--set=train.seed=2", "--overwrite"))
        return None if again.status == 0 and weights(bench.out) == other else f"--overwrite again: {again.said[-300:]}"

    return [
        Job("train", lambda: bench.run(*training(bench)), lambda: judged_as_training(bench, {whole}, begun=False)),
        Job(
            "resume",
            lambda: bench.run("train", f"--out={bench.out}", "--resume"),
            lambda: judged_as_training(bench, {whole}, begun=True),
            stopped,
        ),
        Job(
            "overwrite",
            lambda: bench.run(*training(bench, "--set=train.seed=2", "--overwrite")),
            overwritten,
            finished,
        ),
    ]


def stopped_training(bench: Bench) -> int:
    """A training that is interrupted at its first validation."""
    from regard.train.console import ConsoleReporter

    told = ConsoleReporter.on_validation

    def stop(self: ConsoleReporter, step: int, validation: object, *, best: bool) -> None:
        told(self, step, validation, best=best)  # type: ignore[arg-type]
        signal.raise_signal(signal.SIGTERM)

    ConsoleReporter.on_validation = stop  # type: ignore[method-assign]
    return bench.run(*training(bench))


def exports(bench: Bench) -> list[Job]:
    bench.fresh(None)
    bench.needs(*training(bench, kind="transformer"))
    model = bench.place / "model"
    shutil.copytree(bench.out, model)
    before, jobs = tree(model), []

    def judge(kind: str, told: list[str], look: Callable[[], int]) -> str | None:
        if tree(model) != before:
            return "the model was changed"
        again = bench.tried(*told)
        if again.status == 2 and ("something is there" in again.said or "already holds" in again.said):
            bench.count("was done")
        elif again.status == 0:
            bench.count("begins anew")
        else:
            return f"again: {again.said[-300:]}"
        seen = bench.fork(look)
        return None if seen.status == 0 else f"what is there is not whole: {seen.said[-300:]}"

    def opened() -> int:
        from regard.interop.exported import open_export

        open_export(bench.out)
        return 0

    for kind in ("onnx", "ctranslate2", "marian"):
        told = ["export", str(model), f"--to={kind}", f"--out={bench.out}"]

        def look(kind: str = kind) -> int:
            other = f"--out={bench.place / 'work' / 'again'}"
            return bench.run("import", "marian", str(bench.out), other) if kind == "marian" else opened()

        jobs.append(
            Job(
                f"export {kind}",
                lambda told=told: bench.run(*told),  # type: ignore[misc]
                lambda kind=kind, told=told, look=look: judge(kind, told, look),  # type: ignore[misc]
                threads=True,
            )
        )
    bench.fresh(None)
    bench.needs("export", str(model), "--to=marian", f"--out={bench.out}")
    theirs = bench.place / "theirs"
    shutil.copytree(bench.out, theirs)
    told = ["import", "marian", str(theirs), f"--out={bench.out}"]
    jobs.append(
        Job(
            "import",
            lambda: bench.run(*told),
            lambda: judge("import", told, lambda: bench.run("info", str(bench.out))),
        )
    )
    return jobs


def labs(bench: Bench) -> list[Job]:
    sets = (*SMALL, *RECURRENT, "model.decoder=luong", "train.steps=2")
    base = ", ".join(json.dumps(one) for one in sets)
    (bench.place / "lab.toml").write_text(LAB.format(base=base))

    def run() -> int:
        """As `regard lab run`, with its workers in this process."""
        from regard.errors import RegardError
        from regard.lab.experiment import set_up
        from regard.lab.load import load_lab
        from regard.lab.report import write_report
        from regard.lab.worker import FINISHED, train_and_measure

        try:
            lab = set_up(load_lab(str(bench.place / "lab.toml")), bench.out)
            for each in lab.runs():
                status = train_and_measure(lab, each, workers=1)
                if status != FINISHED:
                    return status
            write_report(bench.out)
        except RegardError as error:
            print(f"error: {error}")
            return 2
        return 0

    def judge() -> str | None:
        finished = {path: path.read_bytes() for path in bench.out.rglob("result.json")}
        again = bench.fork(run)
        if again.status:
            return f"again: {again.said[-300:]}"
        bench.count("goes on")
        changed = [path.name for path, content in finished.items() if path.read_bytes() != content]
        return f"trained again: {changed}" if changed else None

    return [Job("lab", run, judge)]


def phrasebooks(bench: Bench) -> list[Job]:
    told = ["phrasebook", "--pairs=30", "--max-length=6", f"--out={bench.out}"]

    def judge() -> str | None:
        again = bench.tried(*told)
        if again.status == 2 and "--overwrite" in again.said:
            again = bench.tried(*told, "--overwrite")
        if again.status:
            return f"again: {again.said[-300:]}"
        bench.count("begins anew")
        left = sorted(path.name for path in bench.out.iterdir())
        return None if len(left) == 9 else f"left over: {left}"

    return [Job("phrasebook", lambda: bench.run(*told), judge)]


def tell_wrong(tried: Tried, how: str) -> str | None:
    """What is wrong with how a cut short job ended."""
    if how != "full":
        return None if tried.status == -signal.SIGKILL else f"status {tried.status}: {tried.said[-300:]}"
    if tried.status not in (0, 2) or "internal error" in tried.said or "Traceback" in tried.said:
        return f"status {tried.status}: {tried.said[-600:]}"
    if tried.status == 2 and "No space left" not in tried.said:
        return f"no word of the full disk: {tried.said[-300:]}"
    return None


def try_all(bench: Bench, job: Job, how: str, stride: int) -> bool:
    """Cuts a job short at each of its writes, or at every so many-th; tells whether all was well."""
    bench.counts, wrong, tries = {}, [], 0
    if not job.threads:
        bench.warm(job)
    bench.fresh(job.start)
    whole = bench.fork(job.work)
    if whole.status:
        raise SystemExit(f"{job.name}: {whole.said}")
    for at in range(1 + (MODES[how] * 7) % stride, whole.events + 1, stride):
        bench.fresh(job.start)
        tried = bench.fork(job.work, at=at, how=how)
        if tried.status == 0 and how != "full":
            break  # a write less, such as of a progress that is told once a second
        tries += 1
        found = tell_wrong(tried, how) or job.judge()
        if found:
            wrong.append({"at": at, "wrong": found})
    told = {"job": job.name, "how": how, "events": whole.events, "tries": tries, **bench.counts, "wrong": len(wrong)}
    print(json.dumps(told), flush=True)
    for one in wrong:
        print(json.dumps(one), flush=True)
    return not wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="See the top of the file.")
    parser.add_argument("library", type=Path)
    parser.add_argument("place", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--how", default="kill,power,full")
    parser.add_argument("--stride", type=int, default=1)
    wanted = parser.parse_args()
    if str(wanted.library.absolute()) not in os.environ.get("LD_PRELOAD", ""):
        one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
        preload = " ".join(filter(None, [str(wanted.library.absolute()), os.environ.get("LD_PRELOAD")]))
        environment = os.environ | one_thread | {"LD_PRELOAD": preload, "TOKENIZERS_PARALLELIZM": "false"}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)
    for name in (*LOADED, *ENGINES):
        importlib.import_module(name)
    place = wanted.place.resolve()
    place.mkdir(parents=True)
    corpus(place / "corpus")
    bench = Bench(place, ctypes.CDLL(None))
    names = [name for name in wanted.only.split(",") if name]
    well = True
    for kinds, make in MAKERS.items():
        if names and not set(names) & set(kinds):
            continue
        for job in make(bench):
            if not names or job.name in names:
                for how in wanted.how.split(","):
                    well = try_all(bench, job, how, wanted.stride) and well
    return 0 if well else 1


MAKERS = {
    ("train", "resume", "overwrite"): trainings,
    ("export onnx", "export ctranslate2", "export marian", "import"): exports,
    ("lab",): labs,
    ("phrasebook",): phrasebooks,
}


if __name__ == "__main__":
    sys.exit(main())
