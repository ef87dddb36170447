"""A model that ONNX Runtime computes, behind the interface that every search runs on."""

from __future__ import annotations

from collections.abc import Sequence
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
"""The two graphs of an export: what reads the source, and what does one step."""


@dataclass(frozen=True)
class OnnxState(State):
    """All that a step needs, in the order of the step's inputs.

    Attributes:
        source: What stays from step to step; of each row its sentence's.
        state: What each step gives anew.
        sentences: `(R,)` int64, the sentence of each row.
    """

    source: tuple[Tensor, ...]
    state: tuple[Tensor, ...]
    sentences: Tensor

    def select(self, rows: Tensor) -> OnnxState:
        """See `State.select`; where each row keeps its sentence, as in most steps of a beam, the source stays too."""
        sentences = self.sentences[rows]
        same = torch.equal(sentences, self.sentences)
        source = self.source if same else select_rows(self.source, rows)
        return OnnxState(source, select_rows(self.state, rows), sentences)


class OnnxStepModel:
    """Two sessions of ONNX Runtime, one thread each: several batches may be under way at once.

    Args:
        directory: Where the graphs are.
        tgt_vocab: V, how many logits a step must give.

    Raises:
        ConfigError: ONNX Runtime is not installed.
        CheckpointError: The graphs are not as regard writes them.
    """

    def __init__(self, directory: Path, *, tgt_vocab: int) -> None:
        require_package("onnxruntime", to="translate with ONNX Runtime")
        self._tgt_vocab = tgt_vocab
        end = max(check_graph(directory / name) for name in (START, STEP))
        self._start, self._step = (_session(directory / name) for name in (START, STEP))
        given = [one.name for one in self._step.get_inputs()]
        made = [one.name for one in self._step.get_outputs()]
        started = [one.name for one in self._start.get_outputs()]
        self._source = [name for name in given if name.startswith(SOURCE)]
        self._state = [name for name in given if name.startswith(STATE)]
        self._next = [NEXT + name.removeprefix(STATE) for name in self._state]
        self._weights = [name for name in made if name.startswith(WEIGHTS)]
        fits = (
            sorted(one.name for one in self._start.get_inputs()) == ["src_ids", "src_len"]
            and sorted(given) == sorted(["ids", *self._source, *self._state])
            and sorted(started) == sorted([*self._source, *self._state])
            and sorted(made) == sorted(["logits", *self._weights, *self._next])
        )
        if not fits:
            raise CheckpointError(f"{directory}: {START} and {STEP} do not fit together: export the model again")
        file = directory / WEIGHT_FILE
        if file.exists() and file.stat().st_size != end:
            raise CheckpointError(
                f"{file}: the graphs know {end} of {file.stat().st_size} bytes: export the model again"
            )

    def start(self, src_ids: Tensor, src_len: Tensor) -> OnnxState:
        """See `StepModel.start`."""
        names = [*self._source, *self._state]
        values = _run(self._start, names, {"src_ids": src_ids, "src_len": src_len})
        if any(value.shape[:1] != src_len.shape for value in values):
            raise CheckpointError(f"{START} gives no row for each of {len(src_len)} sentences: export the model again")
        split = len(self._source)
        return OnnxState(tuple(values[:split]), tuple(values[split:]), torch.arange(len(src_ids)))

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, OnnxState]:
        """See `StepModel.step`."""
        if not isinstance(state, OnnxState):
            raise AssertionError("the state comes from another decoder")
        weights = self._weights if need_weights else []
        given = dict(zip([*self._source, *self._state], [*state.source, *state.state], strict=True))
        logits, *rest = _run(self._step, ["logits", *weights, *self._next], {"ids": ids, **given})
        if logits.shape != (len(ids), self._tgt_vocab):
            raise CheckpointError(f"{STEP} gives logits {tuple(logits.shape)}, expected {(len(ids), self._tgt_vocab)}")
        output = StepOutput(logits, tuple(rest[: len(weights)]))
        return output, OnnxState(state.source, tuple(rest[len(weights) :]), state.sentences)


def _session(path: Path) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised as well
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no base of their own
        raise CheckpointError(f"{path}: ONNX Runtime cannot read it: {error}") from None


def _run(session: onnxruntime.InferenceSession, names: Sequence[str], given: dict[str, Tensor]) -> list[Tensor]:
    from onnxruntime import OrtValue

    # Neither what is given nor what comes back is copied.
    values = {name: OrtValue.ortvalue_from_numpy(value.contiguous().numpy()) for name, value in given.items()}
    try:
        results = session.run_with_ort_values(names, values)
    except Exception as error:  # its errors have no base of their own
        raise SearchError(f"ONNX Runtime cannot compute this: {error}") from None
    return [torch.from_numpy(one.numpy()) for one in results]
