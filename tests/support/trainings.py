"""Trains with many configurations, each in a fork of a Python process that has loaded torch.

`python trainings.py DIRECTORY < cases.json > results.json`; a case is `[preset, overrides, variant]` as for
`load_config`.
"""

from __future__ import annotations

import gc
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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict
from unittest import mock

if TYPE_CHECKING:
    from torch import Tensor

    from regard.config.resolved import DerivedConfig
    from regard.data.corpus import Corpus
    from regard.model.seq2seq import Seq2Seq
    from regard.text.subword import Subword
    from regard.train.reporter import StepReport, TrainingPlan, Validation
    from regard.train.validation import Validator
    from regard.train.workers import Workers

LOADED = (
    "regard.evaluate.scores",
    "regard.recipes.training",
    "regard.translation.translator",
    "torch._dynamo",
    "torch.utils.tensorboard",
)
CPU_SECONDS = 20.0
"""CPU time in seconds after which a training is killed."""
HYPOTHESES = ["Hello, world: it's 3.5€ — 你好世界 and 100,000 'x' y/z (a) b c d e"]
REFERENCES = ["Hello; world: it's 3.5 € – 你好，世界 and 100.000 'x' y/z (a), b c d e"]
BLEUS, CHRFS, LOSSES = (30.0, 10.0, 20.0, 25.0), (40.0, 20.0, 50.0, 30.0), (4.0, 3.5, 3.8, 3.0)
"""Scores of successive validations in place of the real ones, which say little after so few steps. The real ones are
recorded, too."""
PROBES = ["one dog sees", "cat and big runs", "dog " * 40, "sees"]

Case = tuple[str, list[str], list[str]]


class Result(TypedDict):
    """Result of a training.

    Attributes:
        error: Error message, or None.
        refused: Whether it is of a `RegardError`.
        seconds: CPU time in seconds.
        megabytes: Memory in addition to the loaded modules.
        marks: Digests of the results, by name.
        wall: Wall-clock time in seconds.
    """

    error: str | None
    refused: bool
    seconds: float
    megabytes: float
    marks: dict[str, str]
    wall: float


def tried(cases: Sequence[Case], directory: Path) -> list[Result]:
    """Runs the cases in a process of their own, since a process with several threads must not fork."""
    one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
    done = subprocess.run(
        [sys.executable, __file__, str(directory)],
        input=json.dumps(cases), stdout=subprocess.PIPE, text=True, env=os.environ | one_thread, check=True,
    )  # fmt: skip
    results: list[Result] = json.loads(done.stdout)
    return results


def in_a_fork(work: Callable[[], dict[str, str]]) -> Result:
    start = time.monotonic()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        resource.setrlimit(resource.RLIMIT_CPU, (int(CPU_SECONDS), int(CPU_SECONDS) + 1))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        error, refused, marks = None, False, {}
        try:
            marks = work()
        except BaseException as raised:
            from regard.errors import RegardError

            error, refused = f"{type(raised).__name__}: {raised}", isinstance(raised, RegardError)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        seconds, megabytes = usage.ru_utime + usage.ru_stime, (usage.ru_maxrss - before) / 1024
        with os.fdopen(writer, "w") as pipe:
            json.dump([error, refused, seconds, megabytes, marks], pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    if text:
        error, refused, seconds, megabytes, marks = json.loads(text)
    else:
        end = signal.Signals(-os.waitstatus_to_exitcode(status)).name if os.WIFSIGNALED(status) else str(status)
        error, refused, seconds, megabytes, marks = f"ended by {end}", False, CPU_SECONDS, 0.0, {}
    wall = time.monotonic() - start
    return Result(error=error, refused=refused, seconds=seconds, megabytes=megabytes, marks=marks, wall=wall)


class Listener:
    """A reporter that records what a training reports."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def on_start(self, plan: TrainingPlan) -> None:
        self.events.append((plan.num_parameters, plan.num_sentences, plan.steps, plan.validate_every, plan.max_minutes))

    def on_message(self, text: str) -> None:
        self.events.append(text)

    def on_step(self, report: StepReport) -> None:
        """Not recorded: speed depends on the machine."""

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        scores = (validation.loss, validation.nll, validation.bleu, validation.chrf, validation.entropy)
        self.events.append((step, best, scores, [sample.translation for sample in validation.samples]))

    def on_end(self) -> None:
        self.events.append("end")


class ScriptedValidator:
    """A validator that records the real scores, and returns a fixed series of scores to the training."""

    def __init__(self, real: Validator, recorded: list[object]) -> None:
        self.real, self.recorded, self.count = real, recorded, 0

    def __call__(self, model: Seq2Seq, *, check: Callable[[], None]) -> Validation:
        validation = self.real(model, check=check)
        self.recorded.append((validation.loss, validation.nll, validation.bleu, validation.chrf, validation.entropy))
        self.recorded.append([sample.translation for sample in validation.samples])
        index, self.count = self.count % len(BLEUS), self.count + 1
        return replace(validation, loss=LOSSES[index], bleu=BLEUS[index], chrf=CHRFS[index])


def digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:12]


def trial(case: Case, directory: Path) -> dict[str, str]:
    """Trains, and returns digests of the training and of the model."""
    import torch

    import regard
    from regard.config.load import load_config
    from regard.evaluate.scores import corpus_bleu
    from regard.model.transformer import EncoderLayer
    from regard.recipes.training import train
    from regard.recipes.validator import TranslatingValidator
    from regard.train.saving import StateSaver, TrainingParts
    from regard.translation.loading import stored_languages

    preset, overrides, variant = case
    calls, forward = [0], EncoderLayer.forward

    def counting_forward(
        layer: EncoderLayer, x: Tensor, mask: Tensor, *, need_weights: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        calls[0] += 1
        return forward(layer, x, mask, need_weights=need_weights)

    validations: list[object] = []
    savers: list[StateSaver] = []
    make_saver = StateSaver.__init__

    def recording_saver(saver: StateSaver, parts: TrainingParts, *, conditions: dict[str, str], minutes: float) -> None:
        make_saver(saver, parts, conditions=conditions, minutes=minutes)
        savers.append(saver)

    def scripted(
        corpus: Corpus, tgt_subword: Subword, *, config: DerivedConfig, device: str, workers: Workers
    ) -> ScriptedValidator:
        real = TranslatingValidator(corpus, tgt_subword, config=config, device=device, workers=workers)
        return ScriptedValidator(real, validations)

    os.chdir(directory)
    out, listener = Path(tempfile.mkdtemp(prefix="trial-")) / "model", Listener()
    try:
        config = load_config(preset=preset or None, overrides=overrides, variant=variant)
        with (
            mock.patch.object(EncoderLayer, "forward", counting_forward),
            mock.patch.object(StateSaver, "__init__", recording_saver),
            mock.patch("regard.recipes.training.TranslatingValidator", scripted),
        ):
            result = train(config, out, reporter=listener)
        bleu = corpus_bleu(HYPOTHESES, REFERENCES, tokenize=result.config.train.bleu_tokenize)
        marks = {"bleu": digest(bleu), "threads": digest(torch.get_num_threads()), "calls": digest(calls[0])}
        marks["saves"] = digest([saver.is_due(seconds) for saver in savers for seconds in (0.0, 420.0)])
        events = json.dumps(listener.events).replace(str(out), "OUT")
        files = sorted(str(path.relative_to(out)).split("tfevents")[0] for path in out.rglob("*"))
        translator = regard.load(out)
        weights = {name: tensor.tolist() for name, tensor in translator.models[0].model.state_dict().items()}
        translations = translator.translate(PROBES)
        # A search option must have an effect no matter what was learned in four steps. So weights are random, which
        # gives words different probabilities, and the output is too short to cover every source word.
        with torch.no_grad():
            generator = torch.Generator().manual_seed(1)
            for parameter in translator.models[0].model.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * parameter.shape[-1] ** -0.5)
        translations += translator.translate(PROBES)
        translator.search = translator.search.model_copy(update={"max_len_ratio": 0.3, "max_len_offset": 1})
        translations += translator.translate(PROBES)
        marks |= {
            "events": digest(events), "validations": digest(validations), "files": digest(files),
            "weights": digest(weights), "steps": digest(result.steps), "languages": digest(stored_languages(out)),
            "search": digest([(found.text, found.score, found.warnings) for found in translations]),
        }  # fmt: skip
    finally:
        shutil.rmtree(out.parent)
    return marks


def warm(cases: Sequence[Case], directory: Path) -> None:
    """Trains each kind of model in this process, so that forks find everything loaded that is loaded when needed."""
    from regard.config.load import load_config

    kinds: dict[str, Case] = {}
    for preset, overrides, _ in cases:
        kind = load_config(preset=preset or None, overrides=overrides).model.kind
        kinds.setdefault(kind, (preset, overrides, []))
    for case in kinds.values():
        trial(case, directory)
    if sys.platform == "linux" and len(os.listdir("/proc/self/task")) > 1:
        sys.exit("cannot fork: this process has several threads, of which a fork has only one")


def main(directory: Path) -> None:
    for name in LOADED:
        importlib.import_module(name)
    cases: list[Case] = json.load(sys.stdin)
    warm(cases, directory)
    gc.collect()
    gc.freeze()  # else the garbage collector of each fork would search, and so copy, all loaded modules
    results = []
    for case in cases:
        start = time.monotonic()
        result = in_a_fork(partial(trial, case, directory))
        results.append({**result, "wall": time.monotonic() - start})
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
