"""`regard export`: a model for another engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from regard.cli.loading import loading
from regard.cli.messages import say, warn
from regard.cli.options import Model, examples, place
from regard.errors import ConfigError

EXAMPLES = examples(
    "regard export model --to ctranslate2 --out model.ct2 --quantization int8",
    "regard export model --to onnx --out model.onnx --quantization int8",
    "regard export model --to marian --out model.marian",
)


def export(
    model: Model,
    to: Annotated[
        Literal["ctranslate2", "onnx", "marian"], typer.Option("--to", help="Whose model to write.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option("--out", parser=place, metavar="DIR", help="A new directory.", show_default=False)
    ],
    quantization: Annotated[
        str, typer.Option(metavar="TYPE", help="Type of the weights: float32 or int8; int16, ... for ctranslate2.")
    ] = "float32",
) -> None:
    """Write a model for another engine, and prove that it translates there as it does here."""
    if to == "marian":
        _to_marian(model, out, quantization)
    elif to == "onnx":
        _to_onnx(model, out, quantization)
    else:
        _to_ctranslate2(model, out, quantization)


def _to_marian(model: Path, out: Path, quantization: str) -> None:
    if quantization != "float32":
        raise ConfigError(f"--quantization {quantization}: weights for transformers are float32; leave it out")

    with loading():
        from regard.interop.marian.exporter import CLOSE, export_marian
        from regard.store import load_model

    stored = load_model(model)
    export_marian(stored, out)
    say(f"{out}: logits in transformers are those of {model}, within {CLOSE}")
    alpha = stored.config.search.length_penalty
    if alpha:
        warn(
            f"a beam may choose another hypothesis there: transformers divides its score by length ** {alpha}, regard "
            f"by ((5 + length) / 6) ** {alpha} (Wu et al. 2016)"
        )


def _to_ctranslate2(model: Path, out: Path, quantization: str) -> None:
    with loading():
        from regard.interop.ctranslate2.exporter import export_ctranslate2
        from regard.interop.verification import NUM_SAMPLES
        from regard.store import load_model

    export_ctranslate2(load_model(model), out, quantization=quantization)
    say(f"{out}: {NUM_SAMPLES} of {NUM_SAMPLES} samples came out token by token as by {model}")
    _tell_of_rounding(out, quantization)


def _to_onnx(model: Path, out: Path, quantization: str) -> None:
    with loading():
        from regard.interop.onnx.exporter import CLOSE, export_onnx
        from regard.interop.verification import NUM_SAMPLES
        from regard.store import load_model

    export_onnx(load_model(model), out, quantization=quantization)
    say(f"{out}: {NUM_SAMPLES} of {NUM_SAMPLES} samples came out as by {model}, logits within {CLOSE}")
    _tell_of_rounding(out, quantization)


def _tell_of_rounding(out: Path, quantization: str) -> None:
    if quantization != "float32":
        say(f"They were compared before rounding; what {quantization} costs, `regard evaluate {out} ...` tells.")
