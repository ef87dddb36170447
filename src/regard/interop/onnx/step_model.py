"""An exported model that ONNX Runtime runs, with the interface `StepModel` that all searches use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from regard.errors import CheckpointError, SearchError
from regard.files.packages import require_package
from regard.interop.onnx.check import check_graph
from regard.interop.onnx.graph import WEIGHTS as WEIGHT_FILE
from regard.interop.onnx.ports import NEXT, SOURCE, STATE, WEIGHTS
from regard.model.decoder import State, select_rows
from regard.values import StepOutput

if TYPE_CHECKING:
    import onnxruntime

START, STEP = "start.onnx", "step.onnx"
"""File names of the two graphs: one encodes the source, the other computes a decoder step."""


@dataclass(frozen=True)
class OnnxState(State):
    """Decoder state of an ONNX export: inputs of the step graph, with R rows, one per hypothesis.

    Attributes:
        source: Tensors that are constant per sentence, `(R, ...)`, in the order of the graph's inputs.
        state: Tensors that every step replaces, `(R, ...)`, in the order of the graph's inputs.
        sentences: Number of the source sentence of each row, `(R,)` int64.
    """

    source: tuple[Tensor, ...]
    state: tuple[Tensor, ...]
    sentences: Tensor

    def select(self, rows: Tensor) -> OnnxState:
        """Selects hypotheses by their indices, `(N,)` int64; copies `source` only if rows change sentences.

        See `State.select`.
        """
        sentences = self.sentences[rows]
        same = torch.equal(sentences, self.sentences)
        source = self.source if same else select_rows(self.source, rows)
        return OnnxState(source, select_rows(self.state, rows), sentences)


class OnnxStepModel:
    """An ONNX export that computes decoder steps with ONNX Runtime.

    An export has two graphs: `start.onnx` encodes the source, and `step.onnx` computes one decoder step. Each has a
    session with one thread. Several batches may call the model at the same time.

    Args:
        directory: Directory of the two graphs.
        tgt_vocab: Size of the target vocabulary, which must be equal to the number of logits per step.

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
            raise CheckpointError(
                f"{directory}: the outputs of {START} are not the inputs of {STEP}, so the graphs belong to different "
                "exports: export the model again"
            )
        file = directory / WEIGHT_FILE
        if file.exists() and file.stat().st_size != end:
            raise CheckpointError(
                f"{file}: expected {end} bytes, as the graphs use, but the file has {file.stat().st_size} bytes: "
                "export the model again"
            )

    def start(self, src_ids: Tensor, src_len: Tensor) -> OnnxState:
        """Encodes source sentences with the first graph. See `StepModel.start`."""
        names = [*self._source, *self._state]
        values = _run(self._start, names, {"src_ids": src_ids, "src_len": src_len})
        if any(value.shape[:1] != src_len.shape for value in values):
            raise CheckpointError(
                f"{START}: expected one row of outputs for each of {len(src_len)} sentences, got another number of "
                "rows: export the model again"
            )
        split = len(self._source)
        return OnnxState(tuple(values[:split]), tuple(values[split:]), torch.arange(len(src_ids)))

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, OnnxState]:
        """Computes one decoder step, by running the graph `step.onnx`. See `StepModel.step`.

        Args:
            ids: Last token of each hypothesis, `(R,)` int64.
            state: State before the step, from `start` or an earlier step.
            need_weights: Whether to return attention weights.

        Returns:
            Logits `(R, V)` and attention weights; and the state after the step.
        """
        if not isinstance(state, OnnxState):
            raise AssertionError(
                "expected an `OnnxState` from `start` or `step`, got the decoder state of another kind of model"
            )
        weights = self._weights if need_weights else []
        inputs = dict(zip([*self._source, *self._state], [*state.source, *state.state], strict=True))
        logits, *rest = _run(self._step, ["logits", *weights, *self._next], {"ids": ids, **inputs})
        if logits.shape != (len(ids), self._tgt_vocab):
            raise CheckpointError(
                f"{STEP}: expected logits of shape {(len(ids), self._tgt_vocab)}, got shape {tuple(logits.shape)}: "
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
        raise CheckpointError(f"{path}: ONNX Runtime cannot read this graph: {error}: export the model again") from None


def _run(session: onnxruntime.InferenceSession, names: Sequence[str], inputs: dict[str, Tensor]) -> list[Tensor]:
    from onnxruntime import OrtValue

    # OrtValue shares memory with the tensors: neither inputs nor outputs are copied.
    values = {name: OrtValue.ortvalue_from_numpy(value.contiguous().numpy()) for name, value in inputs.items()}
    try:
        results = session.run_with_ort_values(names, values)
    except Exception as error:  # its errors have no common base class
        raise SearchError(
            f"ONNX Runtime failed to run a graph of the export: {error}: export the model again, or translate with the "
            "regard model that was exported"
        ) from None
    return [torch.from_numpy(result.numpy()) for result in results]
