"""`regard export` and `regard import`, and the engines of `translate` and `evaluate`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from regard.cli import export, import_

pytest.importorskip("ctranslate2", reason="needs CTranslate2: pip install 'regard[interop]'")
pytest.importorskip("transformers", reason="needs transformers: pip install 'regard[interop]'")


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]


def test_an_export_translates_line_by_line(transformer: Path, regard: Run) -> None:
    done = regard("export", "model", "--to", "ctranslate2", "--out", "model.ct2")
    assert (done.status, done.out) == (0, "model.ct2: 16 of 16 samples were translated token by token as by model\n")
    lines = "how was your day\n\nta journée\n".encode()
    ours = regard("translate", "model", "--beam", "1", stdin=lines)
    theirs = regard("translate", "model.ct2", "--beam", "1", "--threads", "1", stdin=lines)
    assert (theirs.status, theirs.out) == (0, ours.out)
    done = regard("translate", "model.ct2", "--json", "--attention", stdin=lines)
    first = json.loads(done.out.splitlines()[0])
    [layer] = first["attention"]["layers"]
    assert len(layer["weights"][0][0]) == len(first["attention"]["src"]["pieces"]) + 1


def test_an_export_is_evaluated_with_its_engine_in_the_signature(transformer: Path, regard: Run) -> None:
    assert "before rounding" in regard(*export_line("model.ct2", "int8")).out
    Path("test.en").write_text("how was your day\n", encoding="utf-8")
    done = regard("evaluate", "model.ct2", "--src", "test.en", "--ref", "test.en", "--json")
    assert done.status == 0, done
    assert json.loads(done.out)["model"].endswith("|engine:ctranslate2-int8")


def export_line(out: str, quantization: str) -> tuple[str, ...]:
    return "export", "model", "--to", "ctranslate2", "--out", out, "--quantization", quantization


def test_a_recurrent_model_is_exported_to_onnx(at_work: Path, regard: Run) -> None:
    done = regard("export", "model", "--to", "onnx", "--out", "model.onnx")
    message = "model.onnx: 16 of 16 samples were translated as by model, logits within 0.0001\n"
    assert (done.status, done.out) == (0, message)
    lines = b"how was your day\n\nthe red house\n"
    ours = regard("translate", "model", stdin=lines)
    theirs = regard("translate", "model.onnx", "--threads", "1", stdin=lines)
    assert (theirs.status, theirs.out) == (0, ours.out)
    done = regard("export", "model", "--to", "onnx", "--out", "model.int8", "--quantization", "int8")
    assert "before rounding" in done.out
    assert regard("translate", "model.int8", stdin=lines).out.count("\n") == 3
    done = regard("translate", "model.onnx", "--precision", "int8")
    assert done.status == 2
    assert "export the model again with --quantization int8" in done.err


def test_export_to_transformers_and_import(transformer: Path, regard: Run) -> None:
    done = regard("export", "model", "--to", "marian", "--out", "model.marian")
    assert (done.status, done.out) == (0, "model.marian: logits in transformers equal those of model within 0.0001\n")
    assert "beam search may choose another hypothesis there" in done.err
    done = regard("import", "marian", "model.marian", "--out", "again")
    assert (done.status, done.out.split("|")[0]) == (0, "again: regard:0.1.0")
    assert "transformers divides scores by length ** 1.0" in done.err
    lines = b"how was your day\n"
    ours, theirs = (regard("translate", name, "--beam", "1", stdin=lines) for name in ("model", "again"))
    assert theirs.out == ours.out


def test_user_errors_have_status_2(at_work: Path, regard: Run) -> None:
    done = regard("export", "model", "--to", "ctranslate2", "--out", "export")
    assert done.status == 2
    assert "model.kind: CTranslate2 runs Transformers only" in done.err
    done = regard("export", "model", "--to", "marian", "--out", "export", "--quantization", "int8")
    assert done.status == 2
    assert "leave --quantization out" in done.err
    done = regard("translate", "model", "--precision", "int16")
    assert done.status == 2
    assert "one of float32, bfloat16, int8, got 'int16'" in done.err
    assert "export the model to another engine with `regard export`" in done.err


def test_bfloat16_translates_and_is_in_the_signature(at_work: Path, regard: Run) -> None:
    assert len(regard("translate", "model", "--precision", "bfloat16", "--input", "test.en").out.splitlines()) == len(
        (at_work / "test.en").read_text(encoding="utf-8").splitlines()
    )
    scores = regard("evaluate", "model", "--src", "test.en", "--ref", "test.fr", "--precision", "bfloat16").out
    assert scores.splitlines()[-1].endswith("|precision:bfloat16")


def test_the_help_shows_the_commands_tested_here() -> None:
    assert "regard export model --to ctranslate2 --out model.ct2 --quantization int8" in export.EXAMPLES
    assert "regard export model --to onnx --out model.onnx --quantization int8" in export.EXAMPLES
    assert "regard export model --to marian --out model.marian" in export.EXAMPLES
    assert "regard import marian opus-mt-en-fr --out model" in import_.EXAMPLES
