"""Fixtures: a lab whose runs are finished without training, with made-up measurements."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from regard.inspection.record import AttentionRecord
from regard.lab.corpus import LabCorpus, prepare_corpus
from regard.lab.experiment import Experiment
from regard.lab.load import dump_lab
from regard.lab.recorder import ValidationPoint
from regard.lab.result import Measurements, RunResult, SentenceResult, TrainingOutcome
from regard.lab.schema import Lab
from regard.text.words import word_spans
from regard.values import Encoding

SYSTEMS = ("plain", "luong/dot", "luong/general", "bahdanau/dot", "bahdanau/general")


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> LabCorpus:
    from regard.lab.schema import CorpusConfig

    config = CorpusConfig(phrasebook="en-fr", pairs=400, max_words=12)
    return prepare_corpus(config, tmp_path_factory.mktemp("lab") / "corpus")


def words_as_pieces(text: str) -> Encoding:
    spans = word_spans(text)
    return Encoding(text, tuple(range(len(spans))), tuple(text[start:end] for start, end in spans), spans)


def attention(src: str, tgt: str, blur: float) -> dict[str, object]:
    """Attention along the diagonal, more or less blurred."""
    left, right = words_as_pieces(src), words_as_pieces(tgt)
    rows, columns = torch.arange(len(right.ids) + 1), torch.arange(len(left.ids) + 1)
    apart = rows[:, None] * len(left.ids) / max(1, len(right.ids)) - columns[None]
    return AttentionRecord(left, right, ((-(apart**2) / blur).softmax(-1)[None],)).to_dict()


def finished(corpus: LabCorpus, system: str, seed: int, *, wrong: float, attends: bool) -> RunResult:
    """Result of a run that gets the share `wrong` of its words wrong."""
    generator = random.Random(f"{system}{seed}")
    sources, references = corpus.lines("test.src"), corpus.lines("test.tgt")
    sentences = []
    for reference in references:
        translation = " ".join(word if generator.random() > wrong else "euh" for word in reference.split())
        count = len(reference.split())
        links = (count, count, count - 1, count - 1) if attends else None
        sentences.append(SentenceResult(translation, (1 + 3 * wrong) * count + generator.random(), count + 1, links))
    points = tuple(
        ValidationPoint(
            100 * at,
            6.0 * at,
            5 - at / 2,
            100 * (1 - wrong) ** 4 * (1 - 0.6**at),
            *((2 / at, 1 - 1 / at) if attends else (None, None)),
        )
        for at in range(1, 8)
    )
    trained = TrainingOutcome(
        1_000_000, 700, 640_000, 42.0, 12_345.6, 600 * 2**20, "bfloat16", 1, "checkpoint of step 700", points
    )
    pairs = [(src, tgt) for src, tgt in zip(sources, references, strict=True) if len(src.split()) > 4][:3]
    measured = Measurements(
        tuple(sentences), 250.0, "f00d", None, None, False,
        tuple((steps, generator.random() * (1 if attends else 0.8**steps)) for steps in range(60) for _ in range(3)),
        tuple(attention(*pair, 0.3 + wrong) for pair in pairs) if attends else (),
    )  # fmt: skip
    return RunResult(system, seed, 55.0, trained, measured)


@pytest.fixture
def finished_lab(small_corpus: LabCorpus, tmp_path: Path) -> Callable[..., Experiment]:
    """Makes a directory with a lab; `systems` gives the share of wrong words of each system."""

    def make(systems: dict[str, float] | None = None, **values: object) -> Experiment:
        shares = systems or {name: 0.1 + 0.1 * number for number, name in enumerate(reversed(SYSTEMS))}
        tree: dict[str, object] = {
            "baseline": next(iter(shares)),
            "systems": {name: [] for name in shares},
            "corpus": {"phrasebook": "en-fr", "pairs": 400, "max_words": 12},
            "measure": {"trials": 200},
        }
        experiment = Experiment(Lab.model_validate(tree | values), tmp_path / "made-up", small_corpus)
        experiment.directory.mkdir()
        (experiment.directory / "corpus").symlink_to(small_corpus.directory)
        (experiment.directory / "lab.toml").write_text(dump_lab(experiment.lab), encoding="utf-8")
        for run in experiment.runs():
            wrong, attends = shares[run.system], not run.system.startswith("plain")
            finished(experiment.corpus, run.system, run.seed, wrong=wrong, attends=attends).write(run.result_file)
        return experiment

    return make
