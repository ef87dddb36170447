"""Randomly damaged directories of models, trainings and labs are refused quickly with a message, or read correctly.

Every run draws the same faults; the environment variable `REGARD_FUZZ="seed count"` draws others, and more of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from measured import MEMORY, Forks, Measured
from mutations import changed_file, changed_tree, write_json

from regard.config.load import load_config
from regard.inspection.record import AttentionRecord
from regard.lab.corpus import LabCorpus
from regard.lab.experiment import set_up
from regard.lab.recorder import ValidationPoint
from regard.lab.result import Measurements, RunResult, SentenceResult, TrainingOutcome
from regard.lab.schema import Lab
from regard.model.build import build_model
from regard.recipes.training import train
from regard.store import save_model
from regard.text.subword import Subword
from regard.text.words import word_spans
from regard.values import Encoding

SEED, COUNT = map(int, os.environ.get("REGARD_FUZZ", "1 25").split())
MAX_SECONDS = 2.0
"""CPU time until a refusal, at most; it usually takes a twentieth of that."""
SYLLABLES = ["ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu"]
LINES = [f"how was your day {a}{b} {b}{a}{c} ?" for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES[:3]]
MODELS = {
    "rnn": ["model.embed_size=8", "model.hidden_size=8"],
    "learned": [
        "model.kind=transformer", "model.width=16", "model.ff_size=8", "model.encoder_layers=1",
        "model.position=learned", "model.max_positions=64", "data.max_len=60",
    ],
    "separate": ["subword.shared=false", "model.decoder=bahdanau", "model.embed_size=8", "model.hidden_size=8"],
}  # fmt: skip
VERBS = (
    "info MODEL",
    "info MODEL --json",
    "translate MODEL --device cpu",
    "translate MODEL --device cpu --json",
    "attend MODEL hello",
    "evaluate MODEL --src few.en --ref few.en --device cpu",
    "align MODEL --src few.en --tgt few.en --device cpu",
    "shortlist MODEL --src few.en --tgt few.en --out table --device cpu",
    "export MODEL --to ctranslate2 --out export",
)
VALUES = (
    "0", "-1", "99999999999999999999999", "1000000000000000000", "1000000", "1e999", "1e-300", "nan", "-inf", "true",
    '""', '"\\u001B[2J"', '"\\u202E"', "[]", "[[[[[[[[]]]]]]]]", "{a = 1}", "1979-05-27", "0x" + "f" * 4000, "'x'",
    "3.5", "[1, 2, 3]", '"' + "x" * 5000 + '"', "2147483648", "9223372036854775807", "'lstm'", "'transformer'",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A damaged directory and the command to run on it.

    Attributes:
        fault: Description of the damage.
        command: Command to run.
        may_pass: Whether the command may succeed, because the directory is still consistent.
    """

    fault: str
    command: str
    may_pass: bool


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Intact directories, which tests must not change."""
    directory = tmp_path_factory.mktemp("sound")
    (directory / "few.en").write_text("".join(f"{line}\n" for line in LINES[:4]))
    (directory / "all.en").write_text("".join(f"{line}\n" for line in LINES))
    src = Subword.train(LINES, vocab_size=310)
    reversed_tgt = Subword.train([line[::-1] for line in LINES], vocab_size=300)
    for name, overrides in MODELS.items():
        config = load_config(overrides=[*overrides, "train.threads=1"])
        tgt = src if config.subword.shared else reversed_tgt
        model = build_model(config.model, shared=config.subword.shared, src_vocab=len(src), tgt_vocab=len(tgt))
        save_model(
            directory / name,
            model=model,
            config=config,
            src_subword=src,
            tgt_subword=tgt,
            details={"bleu": 1.5, "a": "b"},
        )
    _train(directory)
    _make_lab(directory / "lab")
    return directory


def _train(directory: Path) -> None:
    texts = [f"data.{key}={directory / 'all.en'}" for key in ("src", "tgt", "val_src", "val_tgt")]
    more = [
        "subword.vocab_size=310", "train.steps=4", "train.validate_every=2", "train.threads=1", "train.device=cpu",
        "train.tensorboard=false", "train.batch_tokens=512", "train.validate_sentences=2", "train.metric=loss",
    ]  # fmt: skip
    train(load_config(overrides=[*texts, *more, *MODELS["rnn"]]), directory / "trained")


def _make_lab(directory: Path) -> None:
    systems: dict[str, list[str]] = {"plain": ["model.decoder=plain"], "luong/dot": ["model.attention.score=dot"]}
    tree = {
        "baseline": "plain", "seeds": [1, 2], "systems": systems, "measure": {"trials": 10},
        "corpus": {"phrasebook": "en-fr", "pairs": 300, "max_words": 8}, "base": {"set": ["subword.vocab_size=310"]},
    }  # fmt: skip
    experiment = set_up(Lab.model_validate(tree), directory)
    for run in experiment.runs():
        _result(experiment.corpus, run.system, run.seed).write(run.result_file)
        run.fingerprint_file.write_text(experiment.check_fingerprint(run))
        (run.directory / "record.json").write_text('{"step": 20, "steps": 20}')


def _result(corpus: LabCorpus, system: str, seed: int) -> RunResult:
    attends = system != "plain"
    sources, references = corpus.lines("test.src"), corpus.lines("test.tgt")
    sentences = tuple(
        SentenceResult(line, 3.0 + seed, len(line.split()) + 1, (3, 4, 2, 3) if attends else None)
        for line in references
    )
    points = tuple(
        ValidationPoint(step, 6.0, 2.0, 20.0, *((1.5, 0.5) if attends else (None, None))) for step in (10, 20)
    )
    trained = TrainingOutcome(1000, 20, 500, 12.0, 300.0, 1 << 20, "float32", 1, "checkpoint of step 20", points)
    drawn = (_attention(sources[0], references[0]),) if attends else ()
    gradients = tuple((steps, 0.5) for steps in range(30))
    measured = Measurements(sentences, 9.0, "f00d", None, None, False, gradients, drawn)
    return RunResult(system, seed, 15.0, trained, measured)


def _attention(src: str, tgt: str) -> dict[str, object]:
    left, right = (
        Encoding(text, tuple(range(len(spans))), tuple(text[a:b] for a, b in spans), spans)
        for text, spans in ((src, word_spans(src)), (tgt, word_spans(tgt)))
    )
    shape = (1, len(right.ids) + 1, len(left.ids) + 1)
    return AttentionRecord(left, right, (torch.full(shape, 1.0 / shape[2]),)).to_dict()


# --- faults --------------------------------------------------------------------------------------------------------


def changed_toml(text: str, draw: random.Random) -> tuple[str, str]:
    """A document with one fault, mostly still TOML."""
    lines = text.splitlines()
    settings = [number for number, line in enumerate(lines) if " = " in line]
    at = draw.choice(settings)
    key, value = lines[at].split(" = ", 1)
    how = draw.choice([*["value"] * 4, "swapped", "removed", "twice", "added", "deep", "many", "keys"])
    if how == "value":
        lines[at] = f"{key} = {draw.choice(VALUES)}"
    elif how == "swapped":
        lines[at] = f"{key} = {lines[draw.choice(settings)].split(' = ', 1)[1]}"
    elif how == "removed":
        del lines[at]
    elif how == "twice":
        lines.insert(at, lines[at])
    elif how == "added":
        lines.insert(at, draw.choice(["[x]", "x = 1", '"\\u001B[2J" = 1', f"{key}x = {value}", "[[x]]", "[model.x.y]"]))
    elif how == "deep":
        lines.insert(at, f"x = {'[' * 3000}{']' * 3000}")
    elif how == "many":
        lines += [f"[t{number}]" for number in range(draw.choice([100, 9000, 50_000]))]
    else:
        lines.insert(0, ".".join(["a"] * draw.choice([5, 40, 30_000])) + " = 1")
    return f"{how} at {key}", "\n".join(lines) + "\n"


def update_manifest(directory: Path) -> None:
    """Updates hashes and signature in the manifest for files that were changed."""
    path = directory / "manifest.json"
    tree = json.loads(path.read_text(encoding="utf-8"))
    files = tree["files"]
    for name in files:
        if (directory / name).is_file() and not (directory / name).is_symlink():
            files[name] = hashlib.sha256((directory / name).read_bytes()).hexdigest()
    parts = [part for part in tree["signature"].split("|") if part[:2] not in ("c:", "w:")]
    signature = [*parts, f"c:{files['config.toml'][:8]}", f"w:{files['weights.safetensors'][:8]}"]
    subwords = [files.get("subword.model") or files[name] for name in ("subword.src.model", "subword.tgt.model")]
    tree |= {"signature": "|".join(signature), "src_vocabulary": subwords[0], "tgt_vocabulary": subwords[1]}
    path.write_text(json.dumps(tree), encoding="utf-8")


def damaged_model(intact: Path, parent: Path, draw: random.Random) -> Case:
    """A model with a fault in one of its files."""
    kind = draw.choice(list(MODELS))
    shutil.copytree(intact / kind, parent / "MODEL")
    for name in ("few.en", "all.en"):
        shutil.copy(intact / name, parent)
    command, directory = draw.choice(VERBS), parent / "MODEL"
    names = sorted(path.name for path in directory.iterdir())
    name = draw.choice([*names, "manifest.json", "manifest.json", "config.toml", "config.toml"])
    path, before = directory / name, (directory / name).read_bytes()
    if name == "manifest.json":
        fault = changed_file(path, draw)
        # Changes of the details cannot be detected: they are results of training, which are stored nowhere else.
        return Case(f"{kind}: {fault}", command, _is_same(path, before, but=("details",)))
    with_new_hashes = draw.random() < 0.7
    if name == "config.toml" and draw.random() < 0.8:
        fault, text = changed_toml(before.decode(), draw)
        path.write_text(text, encoding="utf-8")
    else:
        fault = changed_file(path, draw)
    if with_new_hashes:
        update_manifest(directory)
    fault += ", with new hashes" if with_new_hashes else ""
    return Case(f"{kind}: {name}: {fault}", command, with_new_hashes or _is_same(path, before))


def _is_same(path: Path, before: bytes, *, but: tuple[str, ...] = ()) -> bool:
    """Whether a file is unchanged; JSON may be formatted differently, and differ in the values of some keys."""
    if not path.is_file() or path.is_symlink():
        return False
    after = path.read_bytes()
    if path.suffix != ".json" or after == before:
        return after == before
    try:
        old, new = (json.loads(data) for data in (before, after))
        return repr({**old, **dict.fromkeys(but)}) == repr({**new, **dict.fromkeys(but)})
    except (ValueError, TypeError, RecursionError):
        return False


def damaged_training(intact: Path, parent: Path, draw: random.Random) -> Case:
    """A training with a fault in one of its files."""
    shutil.copytree(intact / "trained", parent / "MODEL")
    directory = parent / "MODEL" / "training"
    path = draw.choice(sorted(file for file in directory.iterdir() if file.is_file()))
    before = path.read_bytes()
    if path.suffix == ".toml":
        fault, text = changed_toml(before.decode(), draw)
        path.write_text(text, encoding="utf-8")
    else:
        fault = changed_file(path, draw)
    # A training resumes from one of its two states. Without any, it was interrupted before it saved its first one, and
    # starts again.
    states = [directory / "state.safetensors", directory / "state.previous.safetensors"]
    has_other_state = path in states and (not path.exists() or all(state.exists() for state in states))
    may_pass = path.suffix == ".toml" or _is_same(path, before) or _is_unused(path) or has_other_state
    return Case(f"{path.name}: {fault}", "train --resume --out MODEL", may_pass)


def _is_unused(path: Path) -> bool:
    """Whether a file does not matter for resuming: locks name processes that have ended."""
    return path.name.startswith("lock") or path.suffix == ".json"


def damaged_lab(intact: Path, parent: Path, draw: random.Random) -> Case:
    """A lab with a fault in its description, its text or a result."""
    shutil.copytree(intact / "lab", parent / "lab")
    shutil.copy(intact / "lab" / "lab.toml", parent)
    files = sorted(
        path for path in (parent / "lab").rglob("*") if path.is_file() and path.name[:3] not in ("tra", "val")
    )
    results = [path for path in files if path.name == "result.json"]
    path = draw.choice([*files, *results])
    before = path.read_bytes()
    may_pass = False
    if path.suffix == ".toml":
        fault, text = changed_toml(before.decode(), draw)
        path.write_text(text, encoding="utf-8")
        may_pass = True
    elif path.suffix == ".json" and draw.random() < 0.7:
        tree = json.loads(before)
        if draw.random() < 0.5:  # as written by older versions of regard
            tree.pop("sha256", None)
        fault, changed = changed_tree(tree, draw)
        path.write_bytes(write_json(changed))
        may_pass = "sha256" not in tree
    else:
        fault = changed_file(path, draw)
    # A run without a result is not finished.
    is_missing = path.name == "result.json" and not os.path.lexists(path)
    # Reports do not use locks, logs, and files for training; they mention fingerprints that differ.
    unused = "vocabularies" in path.parts or path.name in ("fingerprint", "record.json")
    command = "lab report lab" if is_missing or draw.random() < 0.6 else "lab run lab.toml lab"
    return Case(
        f"{path.relative_to(parent)}: {fault}", command, may_pass or is_missing or unused or _is_same(path, before)
    )


# --- checks -------------------------------------------------------------------------------------------------------


def problems_of(case: Case, done: Measured) -> list[str]:
    """Problems with the result of a command."""
    problems = []
    if done.status not in (0, 2):
        problems.append(f"status {done.status}")
    if b"Traceback" in done.err or b"internal error" in done.err:
        problems.append("an internal error")
    if done.status == 2 and b"regard: error: " not in done.err:
        problems.append("no message")
    if done.status == 2 and done.seconds > MAX_SECONDS:
        problems.append(f"{done.seconds:.1f} seconds")
    if done.memory > MEMORY:
        problems.append(f"{done.memory >> 20} MB")
    if done.status == 0 and not case.may_pass:
        problems.append("damage not detected")
    if b"\x1b" in done.err or (b"\x1b" in done.out and not case.command.startswith("translate")):
        problems.append("control characters")
    return problems


Damage = Callable[[Path, Path, random.Random], Case]


def campaign(damage: Damage, seed_name: str, world: Path, parent: Path, forks: Forks, *, count: int) -> list[str]:
    """Runs commands on damaged directories.

    Args:
        damage: Copies an intact directory and damages the copy.
        seed_name: Part of the random seed.
        world: Directory of the intact directories.
        parent: An empty directory.
        forks: Runs commands.
        count: Number of directories.

    Returns:
        One paragraph per problem.
    """
    reports = []
    for number in range(count):
        directory = parent / str(number)
        directory.mkdir()
        case = damage(world, directory, random.Random(f"{SEED} {seed_name} {number}"))
        done = forks.run(*case.command.split(), directory=directory, stdin=b"how was your day ?\n")
        problems = problems_of(case, done)
        if problems:
            message = done.err.decode(errors="replace")
            reports.append(f"{number}: {case.fault}\n  {case.command}\n  {', '.join(problems)}\n  {message[-1500:]}")
        shutil.rmtree(directory)
    return reports


@pytest.mark.parametrize(
    ("damage", "seed_name", "share"),
    [  # another seed name would draw other faults
        (damaged_model, "spoilt_model", 1.0),
        (damaged_lab, "spoilt_lab", 0.7),
        (damaged_training, "spoilt_training", 0.4),
    ],
)
def test_damaged_directories_are_refused_with_a_message(
    damage: Damage, seed_name: str, share: float, world: Path, tmp_path: Path, forks: Forks
) -> None:
    reports = campaign(damage, seed_name, world, tmp_path, forks, count=int(COUNT * share))
    assert not reports, "\n".join(reports)


def test_intact_directories_are_accepted(world: Path, tmp_path: Path, forks: Forks) -> None:
    """Without this test, commands that refuse everything would pass the tests above."""
    shutil.copytree(world, tmp_path / "all", dirs_exist_ok=True)
    for command in [verb.replace("MODEL", kind) for verb in VERBS for kind in MODELS]:
        if "export" not in command:
            done = forks.run(*command.split(), directory=tmp_path / "all", stdin=b"how was your day ?\n")
            assert done.status == 0, (command, done.err)
    for command in ("lab report lab", "lab run lab/lab.toml lab", "train --resume --out trained"):
        done = forks.run(*command.split(), directory=tmp_path / "all")
        assert done.status == 0, (command, done.err)


@pytest.mark.parametrize(
    ("done", "problem"),
    [
        (Measured(1, b"", b"regard: internal error: x", 0.1, 0), "an internal error"),
        (Measured(2, b"", b"regard: error: x", 3.0, 0), "3.0 seconds"),
        (Measured(2, b"", b"regard: error: x", 0.1, 3 << 30), "3072 MB"),
        (Measured(2, b"", b"", 0.1, 0), "no message"),
        (Measured(0, b"\x1b", b"", 0.1, 0), "control characters"),
        (Measured(0, b"", b"", 0.1, 0), "damage not detected"),
        (Measured(-9, b"", b"", 0.1, 0), "status -9"),
    ],
)
def test_problems_are_detected(done: Measured, problem: str) -> None:
    assert problem in problems_of(Case("", "info MODEL", may_pass=False), done)
    assert problems_of(Case("", "info MODEL", may_pass=True), replace(done, status=0, out=b"", err=b"", memory=0)) == []
