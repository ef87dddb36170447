"""A model written for ONNX Runtime, after a proof that it computes there what it computes here."""

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
"""How weights may be stored and computed with."""
CLOSE = 1e-4
"""The most that a logit may differ in float32."""


def export_onnx(stored: StoredModel, path: str | Path, *, quantization: str = "float32") -> None:
    """Writes a model for ONNX Runtime, if it computes there what it computes here.

    Args:
        stored: Any model of regard's own parts, on the CPU.
        path: The directory, which must not be there yet: a graph that reads the source, one that does a step, what
            both share, and regard's vocabularies and settings.
        quantization: One of `GRAPHS`. What is compared are the graphs in float32.

    Raises:
        ConfigError: The packages are not installed, the model has a part of the user's own, or there is no such
            quantization.
        CheckpointError: It computes something else, or would on another processor, or the place cannot be written.
    """
    require_package("onnx", to="export a model to ONNX")
    if quantization not in GRAPHS:
        raise ConfigError(f"expected a quantization of {', '.join(GRAPHS)}, got {quantization!r}")
    plan = plan_of(stored.model)
    with new_directory(path) as directory:
        with tempfile.TemporaryDirectory() as place:
            exact = Path(place)
            write_graphs(plan, stored.model, exact, Graph)
            model = OnnxStepModel(exact, tgt_vocab=len(stored.tgt_subword))
            verify(stored, _runner(stored, model), engine="ONNX Runtime")
            verify_logits(stored, model, engine="ONNX Runtime", close=CLOSE)
        write_graphs(plan, stored.model, directory, GRAPHS[quantization])
        OnnxStepModel(directory, tgt_vocab=len(stored.tgt_subword))  # reads what was written
        # Run here, rounded graphs would show only what this processor makes of them.
        levels = weight_levels(directory / START, directory / STEP) or None
        write_companions(directory, stored, engine="onnx", quantization=quantization, weight_levels=levels)


def _runner(stored: StoredModel, model: OnnxStepModel) -> Run:
    def run(sources: Sequence[Ids], limit: int) -> list[Ids]:
        batch = collate(sources, None, specials=stored.src_subword.specials)
        limits, specials = torch.full((len(sources),), limit), stored.tgt_subword.specials
        found = greedy_search(model, batch.src_ids, batch.src_len, max_len=limits, specials=specials)
        return [one.ids for one in found]

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
        ConfigError: ONNX Runtime cannot run a part of the model. Parts inside a layer are checked when the plan is
            drawn.
    """
    exact(model, Seq2Seq, engine="onnx", family="model")
    return PLANS.find(model.decoder)(model.encoder, model.decoder)


def write_graphs(plan: Plan, model: Seq2Seq, directory: Path, make: type[Graph]) -> None:
    """Writes both graphs, and what they share.

    Args:
        plan: How the model is drawn.
        model: The model.
        directory: Where to; it is there.
        make: What kind of graphs.
    """
    with (directory / WEIGHT_FILE).open("wb") as file:
        weights = WeightFile(file)
        start, step = make("start", weights), make("step", weights)
        _draw_start(start, plan)
        _draw_step(step, plan, model)
    (directory / START).write_bytes(start.model().SerializeToString())
    (directory / STEP).write_bytes(step.model().SerializeToString())


def _draw_start(g: Graph, plan: Plan) -> None:
    src_ids = g.input("src_ids", torch.int64, "batch", "source")
    src_len = g.input("src_len", torch.int64, "batch")
    for name, value in plan.start(g, src_ids, src_len).items():
        port = plan.ports[name]
        g.output(name, value, port.dtype, "batch", *port.shape)


def _draw_step(g: Graph, plan: Plan, model: Seq2Seq) -> None:
    ids = g.input("ids", torch.int64, "batch")
    given = {name: g.input(name, port.dtype, "batch", *port.shape) for name, port in plan.ports.items()}
    step = plan.step(g, ids, given)
    logits = g.linear(step.hidden, model.output_weight, model.output_bias)
    g.output("logits", logits, torch.float32, "batch", len(model.output_weight))
    for number, weights in enumerate(step.weights):
        looked = g.op("Squeeze", weights, g.ints(2))
        g.output(f"{WEIGHTS}{number}", looked, torch.float32, "batch", f"heads_{number}", "source")
    for name, value in step.after.items():
        port = plan.ports[name]
        shape = ["next" if size == "target" else size for size in port.shape]
        g.output(NEXT + name.removeprefix(STATE), value, port.dtype, "batch", *shape)
