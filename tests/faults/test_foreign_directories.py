"""Directories and files of other toolkits with random damage: each is refused with a clear error, or still works.

Every run uses the same seeds. `REGARD_FUZZ="1000 300"` tries 300 seeds per kind from seed 1000 instead.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from foreign import EN, FR, write_marian
from mutations import changed_file
from trials import Outcome, Trials

from regard.config.schema import Config, DataConfig, ModelConfig, RNNConfig, SearchConfig, SubwordConfig
from regard.config.schema import TransformerConfig as Transformer
from regard.interop.ctranslate2.exporter import export_ctranslate2
from regard.interop.onnx.exporter import export_onnx
from regard.model.build import build_model
from regard.store import load_model, save_model
from regard.text.subword import Subword
from regard.translation.loading import load
from regard.translation.shortlist import make_shortlist, write_shortlist

for package in ("ctranslate2", "onnxruntime"):
    pytest.importorskip(package, reason=f"needs {package}: pip install 'regard[interop]'")

MAX_SECONDS, MAX_MEGABYTES, MAX_LINE = 2.0, 1000.0, 1300  # the last in characters
FIRST, COUNT = map(int, os.environ.get("REGARD_FUZZ", "0 25").split())
KINDS = {
    "marian": "marian",
    "transformer.onnx": "model",
    "transformer.onnx8": "model",
    "transformer.ct2": "model",
    "transformer.ct2-int8": "model",
    "rnn.onnx": "model",
    "shortlist": "shortlist",
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one undamaged example of each kind."""
    root = tmp_path_factory.mktemp("sound")
    write_marian(root / "marian")
    subword = Subword.train((EN + FR) * 20, vocab_size=320)
    wide = Transformer(width=32, ff_size=128, heads=2, encoder_layers=1, decoder_layers=2)  # enough to be quantized
    for name, section in (("transformer", wide), ("rnn", RNNConfig(embed_size=8, hidden_size=8))):
        _save(root / name, section, subword)
        export_onnx(load_model(root / name), root / f"{name}.onnx")
    stored = load_model(root / "transformer")
    export_onnx(stored, root / "transformer.onnx8", quantization="int8")
    export_ctranslate2(stored, root / "transformer.ct2")
    export_ctranslate2(stored, root / "transformer.ct2-int8", quantization="int8")
    (root / "shortlist").mkdir()
    shutil.copytree(root / "transformer", root / "shortlist" / "model")
    translator = load(root / "transformer", device="cpu")
    table = make_shortlist(translator, EN, FR, links=3, frequent=10)
    write_shortlist(root / "shortlist" / "table", table, translator)
    return root


def _save(path: Path, section: ModelConfig, subword: Subword) -> None:
    config = Config(
        data=DataConfig(max_len=24),
        subword=SubwordConfig(vocab_size=len(subword)),
        model=section,
        search=SearchConfig(beam=2, max_len_ratio=1.0, max_len_offset=4),
    )
    torch.manual_seed(1)
    model = build_model(section, src_vocab=len(subword), tgt_vocab=len(subword), shared=True).eval()
    save_model(path, model=model, config=config, src_subword=subword, tgt_subword=subword)


@pytest.fixture(scope="module")
def trials() -> Iterator[Trials]:
    python = Trials()
    yield python
    python.close()


def _target(directory: Path) -> Path:
    return directory / "table" if (directory / "table").exists() or directory.name == "shortlist" else directory


def damage(directory: Path, rng: random.Random) -> str:
    """Damages one file, in most cases with a corrected hash, as an attacker would; returns a description."""
    files = sorted(path for path in directory.iterdir() if path.is_file())
    file = rng.choice(files)
    description, manifest = changed_file(file, rng), directory / "export.json"
    if file != manifest and manifest.exists() and rng.random() < 0.9:
        with suppress(OSError):
            tree = json.loads(manifest.read_bytes())
            regular = file.is_file() and not file.is_symlink()
            tree["files"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest() if regular else "0"
            manifest.write_text(json.dumps(tree))
            description += ", with a corrected hash"
    return description


def faults_of(outcome: Outcome) -> list[str]:
    """Faults in the outcome of a trial."""
    refused = outcome.end == "refused"
    return [
        name
        for name, wrong in (
            (f"ended as {outcome.end}", outcome.end not in ("done", "refused")),
            (f"took {outcome.seconds:.1f} s", refused and outcome.seconds > MAX_SECONDS),
            (f"took {outcome.megabytes:.0f} MB", outcome.megabytes > MAX_MEGABYTES),
            (
                f"has the message {outcome.message}",
                refused and not 20 < max(map(len, outcome.message.splitlines()), default=0) < MAX_LINE,
            ),
        )
        if wrong
    ]


@pytest.mark.parametrize("name", KINDS)
def test_damaged_directories_are_refused_with_clear_errors(
    name: str, sound: Path, trials: Trials, tmp_path: Path
) -> None:
    undamaged = trials(KINDS[name], _target(sound / name))
    assert undamaged.end == "done", undamaged
    ends: Counter[str] = Counter()
    found: list[tuple[int, str, list[str], Outcome]] = []
    for seed in range(FIRST, FIRST + COUNT):
        rng, directory = random.Random(f"{name} {seed}"), tmp_path / str(seed) / name
        shutil.copytree(sound / name, directory)
        description = damage(directory, rng)
        outcome = trials(KINDS[name], _target(directory))
        found += [(seed, description, faults_of(outcome), outcome)] if faults_of(outcome) else []
        ends[outcome.end] += 1
        for path in directory.iterdir():
            path.chmod(0o755 if path.is_dir() else 0o644) if not path.is_symlink() else None
        shutil.rmtree(directory)
    print(name, dict(ends))
    assert not found, "\n".join(map(str, found))
    assert ends["refused"] > COUNT // 3
