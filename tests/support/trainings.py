"""Tries configurations, each in a fork of one Python that has loaded torch: does it train, and what comes of it?

`python trainings.py DIRECTORY < cases.json > results.json`; a case is `[preset, start, own]` as for `load_config`.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

LOADED = (
    "regard.evaluate.scores",
    "regard.recipes.training",
    "regard.translation.translator",
    "torch._dynamo",
    "torch.utils.tensorboard",
)
LONGEST = 20.0
"""Seconds of the processor after which a trial is given up."""
SAID = ["Hello, world: it's 3.5€ — 你好世界 and 100,000 'x' y/z (a) b c d e"]
WANTED = ["Hello; world: it's 3.5 € – 你好，世界 and 100.000 'x' y/z (a), b c d e"]
BLEUS, CHRFS, LOSSES = (30.0, 10.0, 20.0, 25.0), (40.0, 20.0, 50.0, 30.0), (4.0, 3.5, 3.8, 3.0)
"""What validations are said to find, one after the other: what is done with scores must not depend on a model that has
hardly learned anything. What they really find is heard too."""
PROBES = ["one dog sees", "cat and big runs", "dog " * 40, "sees"]

Case = tuple[str, list[str], list[str]]


def tried(cases: Sequence[Case], directory: Path) -> list[dict[str, object]]:
    """Tries them in a process of their own, since forks must not come from one with several threads.

    Each result has the `error` or None, whether it was one that the user is told of (`told`), `seconds` of the
    processor, `megabytes` above what Python had before, and `marks`: digests of what came of it, by name.
    """
    one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
    done = subprocess.run(
        [sys.executable, __file__, str(directory)],
        input=json.dumps(cases), stdout=subprocess.PIPE, text=True, env=os.environ | one_thread, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def in_a_fork(work: Callable[[], dict[str, str]]) -> dict[str, object]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_CPU, (int(LONGEST), int(LONGEST) + 1))
        before, found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, {"error": None, "told": False, "marks": {}}
        try:
            found["marks"] = work()
        except BaseException as error:
            from regard.errors import RegardError

            found |= {"error": f"{type(error).__name__}: {error}", "told": isinstance(error, RegardError)}
        used = resource.getrusage(resource.RUSAGE_SELF)
        found |= {"seconds": used.ru_utime + used.ru_stime, "megabytes": (used.ru_maxrss - before) / 1024}
        with os.fdopen(writing, "w") as pipe:
            json.dump(found, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    if text:
        return json.loads(text)
    ended = signal.Signals(-os.waitstatus_to_exitcode(status)).name if os.WIFSIGNALED(status) else str(status)
    return {"error": f"ended by {ended}", "told": False, "seconds": LONGEST, "megabytes": 0.0, "marks": {}}


class Listener:
    """Notes what a training tells."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def on_start(self, plan) -> None:
        self.heard.append((plan.num_parameters, plan.num_sentences, plan.steps, plan.validate_every, plan.max_minutes))

    def on_message(self, text: str) -> None:
        self.heard.append(text)

    def on_step(self, report) -> None:
        """How fast it is depends on the machine."""

    def on_validation(self, step: int, validation, *, best: bool) -> None:
        told = (validation.loss, validation.nll, validation.bleu, validation.chrf, validation.entropy)
        self.heard.append((step, best, told, [one.translation for one in validation.samples]))

    def on_end(self) -> None:
        self.heard.append("end")


class Scripted:
    """A validator that says what it found to a listener, and a fixed series of scores to the training."""

    def __init__(self, real, found: list[object]) -> None:
        self.real, self.found, self.count = real, found, 0

    def __call__(self, model, *, check):
        validation = self.real(model, check=check)
        self.found.append((validation.loss, validation.nll, validation.bleu, validation.chrf, validation.entropy))
        self.found.append([one.translation for one in validation.samples])
        at, self.count = self.count % len(BLEUS), self.count + 1
        return replace(validation, loss=LOSSES[at], bleu=BLEUS[at], chrf=CHRFS[at])


def digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:12]


def trial(case: Case, directory: Path) -> dict[str, str]:
    """Trains, and says what is to be seen of the training and of the model."""
    import torch

    import regard
    from regard.config.load import load_config
    from regard.evaluate.scores import corpus_bleu
    from regard.model.transformer import EncoderLayer
    from regard.recipes import training
    from regard.recipes.training import train

    preset, start, own = case
    calls, forward = [0], EncoderLayer.forward

    def counted(self, *arguments, **named):
        calls[0] += 1
        return forward(self, *arguments, **named)

    EncoderLayer.forward = counted
    found: list[object] = []
    real = training.TranslatingValidator
    training.TranslatingValidator = lambda *told, **named: Scripted(real(*told, **named), found)
    os.chdir(directory)
    out, listener = Path(tempfile.mkdtemp(prefix="trial-")) / "model", Listener()
    try:
        result = train(load_config(preset=preset or None, overrides=start, variant=own), out, reporter=listener)
        bleu = corpus_bleu(SAID, WANTED, tokenize=result.config.train.bleu_tokenize)
        marks = {"bleu": digest(bleu), "threads": digest(torch.get_num_threads()), "calls": digest(calls[0])}
        EncoderLayer.forward = forward
        heard = json.dumps(listener.heard).replace(str(out), "OUT")
        files = sorted(str(one.relative_to(out)).split("tfevents")[0] for one in out.rglob("*"))
        translator = regard.load(out)
        weights = {name: tensor.tolist() for name, tensor in translator.models[0].model.state_dict().items()}
        many = translator.translate(PROBES)
        # A search option must show whatever was learned in four steps: so that words differ in probability, and the
        # output is too short for every source word to be covered.
        with torch.no_grad():
            draw = torch.Generator().manual_seed(1)
            for parameter in translator.models[0].model.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=draw) * parameter.shape[-1] ** -0.5)
        many += translator.translate(PROBES)
        translator.search = translator.search.model_copy(update={"max_len_ratio": 0.3, "max_len_offset": 1})
        many += translator.translate(PROBES)
        marks |= {
            "heard": digest(heard), "found": digest(found), "files": digest(files),
            "weights": digest(weights), "steps": digest(result.steps),
            "search": digest([(one.text, one.score, one.warnings) for one in many]),
        }  # fmt: skip
    finally:
        shutil.rmtree(out.parent)
    return marks


def main(directory: Path) -> None:
    for name in LOADED:
        importlib.import_module(name)
    results = []
    for case in json.load(sys.stdin):
        begun = time.monotonic()
        found = in_a_fork(lambda case=case: trial(case, directory))
        results.append({**found, "wall": time.monotonic() - begun})
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
