"""Export to ONNX Runtime, after a check that it computes the same tokens and logits as regard."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from regard.data.collate import collate
from regard.errors import ConfigError
from regard.interop.exported import new_directory, write_companions
from regard.interop.onnx.graph import WEIGHTS as WEIGHT_FILE
from regard.interop.onnx.graph import Graph, WeightFile
from regard.interop.onnx.overflow import weight_levels
from regard.interop.onnx.ports import NEXT, STATE, WEIGHTS, Plan
from regard.interop.onnx.quantize import Int8Graph
from regard.interop.onnx.recurrent import BahdanauPlan, LuongPlan, PlainPlan
from regard.interop.onnx.step_model import START, STEP, OnnxStepModel
from regard.interop.onnx.transformer import TransformerPlan
from regard.interop.packages import require_package
from regard.interop.part_table import PartTable, exact
from regard.interop.verification import Ids, Run, verify, verify_logits
from regard.model.bahdanau import BahdanauDecoder
from regard.model.luong import LuongDecoder
from regard.model.plain import PlainDecoder
from regard.model.seq2seq import Seq2Seq
from regard.model.transformer import TransformerDecoder
from regard.search.greedy import greedy_search
from regard.store import StoredModel

GRAPHS: dict[str, type[Graph]] = {"float32": Graph, "int8": Int8Graph}
"""Graph writer per quantization."""
CLOSE = 1e-4
"""Largest difference of two logits in float32 that still counts as equal."""


def export_onnx(stored: StoredModel, path: str | Path, *, quantization: str = "float32") -> None:
    """Exports a model to ONNX Runtime.

    Tokens and logits of samples are compared with regard's before the directory appears.

    Args:
        stored: Any model built from regard's own parts, on the CPU.
        path: New directory for the graph that reads the source, the graph of a decoder step, the weights of both, and
            regard's vocabularies and configuration.
        quantization: `float32` or `int8`; the comparison is made in float32.

    Raises:
        ConfigError: The packages are not installed, ONNX Runtime cannot run a part of the model, or the quantization
            is unknown.
        CheckpointError: Tokens or logits differ from regard's, rounded weights would overflow on some processors, or
            the directory cannot be written.
    """
    require_package("onnx", to="export a model to ONNX")
    if quantization not in GRAPHS:
        raise ConfigError(f"expected a quantization of {', '.join(GRAPHS)}, got {quantization!r}")
    plan = plan_of(stored.model)
    with new_directory(path) as directory:
        with tempfile.TemporaryDirectory() as name:
            exact = Path(name)
            write_graphs(plan, stored.model, exact, Graph)
            model = OnnxStepModel(exact, tgt_vocab=len(stored.tgt_subword))
            verify(stored, _runner(stored, model), engine="ONNX Runtime")
            verify_logits(stored, model, engine="ONNX Runtime", close=CLOSE)
        write_graphs(plan, stored.model, directory, GRAPHS[quantization])
        OnnxStepModel(directory, tgt_vocab=len(stored.tgt_subword))  # checks what was written
        # Running the rounded graphs would only show what this processor computes, so their weights are checked.
        levels = weight_levels(directory / START, directory / STEP) or None
        write_companions(directory, stored, engine="onnx", quantization=quantization, weight_levels=levels)


def _runner(stored: StoredModel, model: OnnxStepModel) -> Run:
    def run(sources: Sequence[Ids], limit: int) -> list[Ids]:
        batch = collate(sources, None, specials=stored.src_subword.specials)
        limits, specials = torch.full((len(sources),), limit), stored.tgt_subword.specials
        hypotheses = greedy_search(model, batch.src_ids, batch.src_len, max_len=limits, specials=specials)
        return [hypothesis.ids for hypothesis in hypotheses]

    return run


PLANS: PartTable[Callable[..., Plan]] = PartTable(
    "onnx",
    "decoder",
    {
        TransformerDecoder: TransformerPlan,
        PlainDecoder: PlainPlan,
        LuongDecoder: LuongPlan,
        BahdanauDecoder: BahdanauPlan,
    },
)
"""Plan per type of decoder; each plan checks the encoder."""


def plan_of(model: Seq2Seq) -> Plan:
    """Plans the graphs of a model.

    Args:
        model: A model of regard's own parts.

    Returns:
        Its plan.

    Raises:
        ConfigError: ONNX Runtime cannot run a part of the model. Parts inside a layer are checked when the
            graphs are written.
    """
    exact(model, Seq2Seq, engine="onnx", family="model")
    return PLANS.find(model.decoder)(model.encoder, model.decoder)


def write_graphs(plan: Plan, model: Seq2Seq, directory: Path, make: type[Graph]) -> None:
    """Writes both graphs and the weights that they share.

    Args:
        plan: The plan of the model.
        model: The model.
        directory: Existing directory to write to.
        make: Graph writer, one of `GRAPHS`.
    """
    with (directory / WEIGHT_FILE).open("wb") as file:
        weights = WeightFile(file)
        start, step = make("start", weights), make("step", weights)
        _add_start(start, plan)
        _add_step(step, plan, model)
    (directory / START).write_bytes(start.model().SerializeToString())
    (directory / STEP).write_bytes(step.model().SerializeToString())


def _add_start(g: Graph, plan: Plan) -> None:
    src_ids = g.input("src_ids", torch.int64, "batch", "source")
    src_len = g.input("src_len", torch.int64, "batch")
    for name, value in plan.start(g, src_ids, src_len).items():
        port = plan.ports[name]
        g.output(name, value, port.dtype, "batch", *port.shape)


def _add_step(g: Graph, plan: Plan, model: Seq2Seq) -> None:
    ids = g.input("ids", torch.int64, "batch")
    inputs = {name: g.input(name, port.dtype, "batch", *port.shape) for name, port in plan.ports.items()}
    step = plan.step(g, ids, inputs)
    logits = g.linear(step.hidden, model.output_weight, model.output_bias)
    g.output("logits", logits, torch.float32, "batch", len(model.output_weight))
    for number, weights in enumerate(step.weights):
        squeezed = g.op("Squeeze", weights, g.ints(2))
        g.output(f"{WEIGHTS}{number}", squeezed, torch.float32, "batch", f"heads_{number}", "source")
    for name, value in step.after.items():
        port = plan.ports[name]
        shape = ["next" if size == "target" else size for size in port.shape]
        g.output(NEXT + name.removeprefix(STATE), value, port.dtype, "batch", *shape)
