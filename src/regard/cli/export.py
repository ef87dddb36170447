"""`regard export`: writes a model in the format of another engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from regard.cli.loading import loading
from regard.cli.messages import say, warn
from regard.cli.options import Model, examples, parse_path
from regard.errors import ConfigError

EXAMPLES = examples(
    "regard export model --to ctranslate2 --out model.ct2 --quantization int8",
    "regard export model --to onnx --out model.onnx --quantization int8",
    "regard export model --to marian --out model.marian",
    "regard export model --to regard --out model.small --quantization int8",
)


def export(
    model: Model,
    to: Annotated[
        Literal["ctranslate2", "onnx", "marian", "regard"],
        typer.Option(
            "--to",
            help="Target engine; marian is MarianMT of transformers, regard a model with weights in 8 bits.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", parser=parse_path, metavar="DIR", help="Directory to create.", show_default=False)
    ],
    quantization: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE",
            help="Number type of the weights: float32 or int8; ctranslate2 has more, such as int16.",
            show_default="float32; int8 for regard",
        ),
    ] = None,
) -> None:
    """Export a model to CTranslate2, ONNX or transformers, or with weights in 8 bits.

    Verifies that the exported model translates as the original does.
    """
    if to == "regard":
        _to_regard(model, out, quantization or "int8")
        return
    quantization = quantization or "float32"
    if to == "marian":
        _to_marian(model, out, quantization)
    elif to == "onnx":
        _to_onnx(model, out, quantization)
    else:
        _to_ctranslate2(model, out, quantization)


def _to_marian(model: Path, out: Path, quantization: str) -> None:
    if quantization != "float32":
        raise ConfigError(
            f"--quantization {quantization}: a model exported with --to marian has float32 weights only: leave "
            "--quantization out"
        )

    with loading():
        from regard.interop.marian.exporter import CLOSE, export_marian
        from regard.store import load_model

    stored = load_model(model)
    export_marian(stored, out)
    say(f"{out}: logits in transformers equal those of {model} within {CLOSE}")
    alpha = stored.config.search.length_penalty
    if alpha:
        warn(
            "beam search may choose another hypothesis there: transformers divides scores by "
            f"length ** {alpha}, regard by ((5 + length) / 6) ** {alpha} (Wu et al. 2016)"
        )


def _to_ctranslate2(model: Path, out: Path, quantization: str) -> None:
    with loading():
        from regard.interop.ctranslate2.exporter import export_ctranslate2
        from regard.interop.verification import NUM_SAMPLES
        from regard.store import load_model

    export_ctranslate2(load_model(model), out, quantization=quantization)
    say(f"{out}: {NUM_SAMPLES} of {NUM_SAMPLES} samples were translated token by token as by {model}")
    _report_rounding(out, quantization)


def _to_onnx(model: Path, out: Path, quantization: str) -> None:
    with loading():
        from regard.interop.onnx.exporter import CLOSE, export_onnx
        from regard.interop.verification import NUM_SAMPLES
        from regard.store import load_model

    export_onnx(load_model(model), out, quantization=quantization)
    say(f"{out}: {NUM_SAMPLES} of {NUM_SAMPLES} samples were translated as by {model}, logits within {CLOSE}")
    _report_rounding(out, quantization)


def _to_regard(model: Path, out: Path, quantization: str) -> None:
    with loading():
        from regard.interop.own_format import export_regard
        from regard.store import load_model

    size = export_regard(load_model(model), out, quantization=quantization)
    say(f"{out}: {size:,} bytes of weights")
    if quantization == "int8":
        say(f"Rounded to int8: measure the effect on quality with `regard evaluate {out} ...`.")


def _report_rounding(out: Path, quantization: str) -> None:
    if quantization != "float32":
        say(
            f"Compared before rounding to {quantization}: measure its effect on quality with "
            f"`regard evaluate {out} ...`."
        )
