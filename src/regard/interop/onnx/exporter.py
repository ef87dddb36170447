"""Export to ONNX Runtime, after a check that ONNX Runtime computes the same tokens and logits as regard."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from regard.data.collate import collate
from regard.errors import ConfigError
from regard.files.packages import require_package
from regard.interop.exported import new_directory, write_companions
from regard.interop.onnx.graph import WEIGHTS as WEIGHT_FILE
from regard.interop.onnx.graph import Graph, WeightFile
from regard.interop.onnx.overflow import weight_levels
from regard.interop.onnx.ports import NEXT, STATE, WEIGHTS, Plan
from regard.interop.onnx.quantize import Int8Graph
from regard.interop.onnx.recurrent import BahdanauPlan, LuongPlan, PlainPlan
from regard.interop.onnx.step_model import START, STEP, OnnxStepModel
from regard.interop.onnx.transformer import TransformerPlan
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
"""Class of the graph writer, by quantization."""
CLOSE = 1e-4
"""Largest difference of two float32 logits that still count as equal."""


def export_onnx(stored: StoredModel, path: str | Path, *, quantization: str = "float32") -> None:
    """Exports a model as ONNX graphs that ONNX Runtime can run.

    Before the directory is created, the tokens and logits of ONNX Runtime for random sentences are compared with
    regard's.

    Args:
        stored: Any model built from regard's own modules, on the CPU.
        path: New directory for the graph that reads the source, the graph of a decoder step, the weights of both, and
            regard's vocabularies and configuration.
        quantization: Number type of the stored weights, `float32` or `int8`. The comparison uses float32.

    Raises:
        ConfigError: The packages onnx and onnxruntime are not installed, a module of the model cannot be exported, or
            the quantization is unknown.
        CheckpointError: Tokens or logits differ from regard's, rounded weights would overflow on some processors, or
            the directory cannot be written.
    """
    require_package("onnx", to="export a model to ONNX")
    if quantization not in GRAPHS:
        raise ConfigError(f"expected a quantization, one of {', '.join(GRAPHS)}, got {quantization!r}")
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
"""Class of the plan, which writes the graphs, by the class of the decoder; each plan also checks the encoder."""


def plan_of(model: Seq2Seq) -> Plan:
    """Makes the object (the plan) that adds the nodes of a model to its two ONNX graphs.

    Args:
        model: A model built from regard's own modules.

    Returns:
        The plan of the model.

    Raises:
        ConfigError: The encoder or decoder cannot be exported. Modules inside a layer are checked later, when the
            plan adds their nodes.
    """
    exact(model, Seq2Seq, engine="onnx", family="model")
    return PLANS.find(model.decoder)(model.encoder, model.decoder)


def write_graphs(plan: Plan, model: Seq2Seq, directory: Path, make: type[Graph]) -> None:
    """Writes the two ONNX graphs of a model, and the file of weights that both graphs read.

    Args:
        plan: Plan of the model, from `plan_of`.
        model: The model.
        directory: Existing directory to write to.
        make: Class that builds a graph: `Graph` for float32, `Int8Graph` for int8.
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
