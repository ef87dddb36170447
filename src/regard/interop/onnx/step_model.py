"""An exported model that ONNX Runtime computes, with the step interface that every search uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from regard.errors import CheckpointError, SearchError
from regard.interop.onnx.check import check_graph
from regard.interop.onnx.graph import WEIGHTS as WEIGHT_FILE
from regard.interop.onnx.ports import NEXT, SOURCE, STATE, WEIGHTS
from regard.interop.packages import require_package
from regard.model.decoder import State, select_rows
from regard.values import StepOutput

if TYPE_CHECKING:
    import onnxruntime

START, STEP = "start.onnx", "step.onnx"
"""Files of the two graphs: one reads the source, the other computes a decoder step."""


@dataclass(frozen=True)
class OnnxState(State):
    """Inputs of the step graph, in its order.

    Attributes:
        source: Tensors that are constant per sentence, one row per hypothesis, `(R, ...)`.
        state: Tensors that every step replaces, `(R, ...)`.
        sentences: `(R,)` int64, the sentence of each row.
    """

    source: tuple[Tensor, ...]
    state: tuple[Tensor, ...]
    sentences: Tensor

    def select(self, rows: Tensor) -> OnnxState:
        """Reorders the rows; `source` is copied only if a row changes its sentence; see `State.select`."""
        sentences = self.sentences[rows]
        same = torch.equal(sentences, self.sentences)
        source = self.source if same else select_rows(self.source, rows)
        return OnnxState(source, select_rows(self.state, rows), sentences)


class OnnxStepModel:
    """The two graphs of an export, each in a session with one thread; several batches may run at once.

    Args:
        directory: Directory of the graphs.
        tgt_vocab: V, size of the target vocabulary, which the logits must have.

    Raises:
        ConfigError: ONNX Runtime is not installed.
        CheckpointError: The graphs are damaged, or regard did not write them.
    """

    def __init__(self, directory: Path, *, tgt_vocab: int) -> None:
        require_package("onnxruntime", to="translate with ONNX Runtime")
        self._tgt_vocab = tgt_vocab
        end = max(check_graph(directory / name) for name in (START, STEP))
        self._start, self._step = (_session(directory / name) for name in (START, STEP))
        step_inputs, step_outputs = _names(self._step.get_inputs()), _names(self._step.get_outputs())
        self._source = [name for name in step_inputs if name.startswith(SOURCE)]
        self._state = [name for name in step_inputs if name.startswith(STATE)]
        self._next = [NEXT + name.removeprefix(STATE) for name in self._state]
        self._weights = [name for name in step_outputs if name.startswith(WEIGHTS)]
        graphs_fit = (
            sorted(_names(self._start.get_inputs())) == ["src_ids", "src_len"]
            and sorted(step_inputs) == sorted(["ids", *self._source, *self._state])
            and sorted(_names(self._start.get_outputs())) == sorted([*self._source, *self._state])
            and sorted(step_outputs) == sorted(["logits", *self._weights, *self._next])
        )
        if not graphs_fit:
            raise CheckpointError(f"{directory}: {START} and {STEP} do not fit together: export the model again")
        file = directory / WEIGHT_FILE
        if file.exists() and file.stat().st_size != end:
            raise CheckpointError(
                f"{file}: the graphs use {end} bytes, but the file has {file.stat().st_size}: export the model again"
            )

    def start(self, src_ids: Tensor, src_len: Tensor) -> OnnxState:
        """Runs the graph that reads the source; see `StepModel.start`."""
        names = [*self._source, *self._state]
        values = _run(self._start, names, {"src_ids": src_ids, "src_len": src_len})
        if any(value.shape[:1] != src_len.shape for value in values):
            raise CheckpointError(
                f"{START} does not return one row for each of {len(src_len)} sentences: export the model again"
            )
        split = len(self._source)
        return OnnxState(tuple(values[:split]), tuple(values[split:]), torch.arange(len(src_ids)))

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, OnnxState]:
        """Runs the graph of one step; see `StepModel.step`."""
        if not isinstance(state, OnnxState):
            raise AssertionError("the state comes from another decoder")
        weights = self._weights if need_weights else []
        inputs = dict(zip([*self._source, *self._state], [*state.source, *state.state], strict=True))
        logits, *rest = _run(self._step, ["logits", *weights, *self._next], {"ids": ids, **inputs})
        if logits.shape != (len(ids), self._tgt_vocab):
            raise CheckpointError(
                f"{STEP} returned logits of shape {tuple(logits.shape)}, expected {(len(ids), self._tgt_vocab)}: "
                "export the model again"
            )
        output = StepOutput(logits, tuple(rest[: len(weights)]))
        return output, OnnxState(state.source, tuple(rest[len(weights) :]), state.sentences)


def _names(tensors: Iterable[onnxruntime.NodeArg]) -> list[str]:
    return [tensor.name for tensor in tensors]


def _session(path: Path) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # fatal only: errors are raised anyway
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common base class
        raise CheckpointError(f"{path}: ONNX Runtime cannot read it: {error}") from None


def _run(session: onnxruntime.InferenceSession, names: Sequence[str], inputs: dict[str, Tensor]) -> list[Tensor]:
    from onnxruntime import OrtValue

    # OrtValue shares memory with the tensors: neither inputs nor outputs are copied.
    values = {name: OrtValue.ortvalue_from_numpy(value.contiguous().numpy()) for name, value in inputs.items()}
    try:
        results = session.run_with_ort_values(names, values)
    except Exception as error:  # its errors have no common base class
        raise SearchError(f"ONNX Runtime cannot compute this step: {error}") from None
    return [torch.from_numpy(result.numpy()) for result in results]
