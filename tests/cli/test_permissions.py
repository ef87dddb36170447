"""Files and directories that verbs write have the permissions that the umask gives."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

pytest.importorskip("ctranslate2", reason="needs CTranslate2: pip install 'regard[interop]'")
pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'regard[interop]'")
pytest.importorskip("transformers", reason="needs transformers: pip install 'regard[interop]'")
pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'regard[plot]'")


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    err: str


Run = Callable[..., Done]
SMALL = [
    "model.width=16", "model.ff_size=16", "model.heads=2", "model.norm=post", "model.encoder_layers=1",
    "model.decoder_layers=1", "subword.vocab_size=320", "train.steps=2", "train.validate_every=1", "train.threads=1",
    "train.validate_sentences=4", "train.batch_tokens=256", "train.device=cpu", "train.precision=float32",
]  # fmt: skip
TEXT = ["--src", "few.en", "--tgt", "few.fr"]
VERBS = [
    ["train", *TEXT, "--preset", "transformer-tiny", *(f"--set={setting}" for setting in SMALL), "--out", "w/trained"],
    ["export", "w/trained", "--to", "marian", "--out", "w/marian"],
    ["export", "w/trained", "--to", "onnx", "--out", "w/onnx", "--quantization", "int8"],
    ["export", "w/trained", "--to", "ctranslate2", "--out", "w/ctranslate2"],
    ["import", "marian", "w/marian", "--out", "w/imported"],
    ["translate", "model", "--input", "few.en", "--output", "w/lines"],
    ["translate", "model", "--input", "few.en", "--output", "w/lines.gz"],
    ["align", "model", *TEXT, "--output", "w/links"],
    ["shortlist", "model", *TEXT, "--out", "w/table"],
    ["attend", "model", "hello", "--html", "w/page.html", "--png", "w/picture.png"],
    ["phrasebook", "--pairs", "30", "--out", "w/phrases"],
]


@pytest.fixture(params=[0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
def test_output_has_the_permissions_of_the_umask(at_work: Path, regard: Run, umask: int) -> None:
    for side in ("en", "fr"):
        lines = (at_work / f"train.{side}").read_text(encoding="utf-8").splitlines()[:40]
        Path(f"few.{side}").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    Path("w").mkdir()
    for verb in VERBS:
        done = regard(*verb)
        assert done.status == 0, (verb, done.err)
    paths = sorted(Path("w").rglob("*"))
    assert len(paths) > 40
    modes = {str(path): oct(stat.S_IMODE(path.stat().st_mode)) for path in paths}
    expected = {str(path): oct((0o777 if path.is_dir() else 0o666) & ~umask) for path in paths}
    assert modes == expected
