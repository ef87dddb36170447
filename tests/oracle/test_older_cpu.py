"""Exports in 8 bits give correct results on processors without 8-bit dot products."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Literal, Protocol

import pytest
import torch

from regard.config.schema import Config, SubwordConfig, TransformerConfig
from regard.interop.ctranslate2.exporter import export_ctranslate2
from regard.interop.onnx.exporter import export_onnx
from regard.model.build import build_model
from regard.store import load_model, save_model

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'regard[interop]'")
pytest.importorskip("ctranslate2", reason="needs CTranslate2: pip install 'regard[interop]'")

Level = Literal["avx512", "avx2", "generic"]
CAPABILITIES = ("DEFAULT", "AVX2", "AVX512")  # PyTorch's names, smallest first

# Multiplies each matrix of an ONNX export with bytes, and scores translations with CTranslate2.
CHILD = """
import json, sys
from pathlib import Path
import ctranslate2, numpy as np, onnx, onnxruntime, torch
from regard.interop.onnx.overflow import overflows_here

rng, wrong, count = np.random.default_rng(1), 0, 0
for path in Path(sys.argv[1]).glob("*.onnx"):
    graph = onnx.load(str(path)).graph
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for weights in [tensors[node.input[1]] for node in graph.node if node.op_type == "MatMulInteger"]:
        zero = np.array(128, dtype=np.uint8)
        single_product = onnx.helper.make_graph(
            [onnx.helper.make_node("MatMulInteger", ["x", "weights", "zero"], ["sums"])],
            "product",
            [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.UINT8, [None, len(weights)])],
            [onnx.helper.make_tensor_value_info("sums", onnx.TensorProto.INT32, [None, weights.shape[1]])],
            [onnx.numpy_helper.from_array(weights, "weights"), onnx.numpy_helper.from_array(zero, "zero")],
        )
        model = onnx.helper.make_model(single_product, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        for rows in (1, 5, 40):  # for which ONNX Runtime uses different kernels
            x = np.concatenate([rng.integers(0, 256, (rows, len(weights))), np.where(weights.T[:rows] > 0, 255, 0)])
            [sums] = session.run(["sums"], {"x": x.astype(np.uint8)})
            wrong += int((sums != (x - 128) @ weights.astype(np.int64)).sum())
            count += sums.size
translator = ctranslate2.Translator(sys.argv[2], device="cpu", inter_threads=1, intra_threads=1)
pieces = json.loads(Path(sys.argv[2], "shared_vocabulary.json").read_text())[5:]
pairs = [[[pieces[i] for i in rng.integers(0, len(pieces), 12)] for _ in range(20)] for side in range(2)]
scores = [result.log_probs for result in translator.score_batch(*pairs)]
print(json.dumps([torch.backends.cpu.get_cpu_capability(), overflows_here(), wrong, count, scores]))
"""


class OlderCpu(Protocol):
    def environment(self, level: Level) -> dict[str, str]: ...


@pytest.fixture(scope="module")
def exports(workshop: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """An 8-bit export for each engine: the model of the workshop, and a random Transformer."""
    directory = tmp_path_factory.mktemp("older")
    stored = load_model(workshop / "model")
    export_onnx(stored, directory / "onnx", quantization="int8")
    config = TransformerConfig(width=64, ff_size=128, heads=4, encoder_layers=2, decoder_layers=2)
    vocabulary = stored.src_subword
    torch.manual_seed(1)
    save_model(
        directory / "model",
        model=build_model(config, src_vocab=len(vocabulary), tgt_vocab=len(vocabulary), shared=True).eval(),
        config=Config(subword=SubwordConfig(vocab_size=len(vocabulary)), model=config),
        src_subword=vocabulary,
        tgt_subword=vocabulary,
    )
    export_ctranslate2(load_model(directory / "model"), directory / "ctranslate2", quantization="int8")
    return [str(directory / "onnx"), str(directory / "ctranslate2")]


def run(exports: list[str], environment: dict[str, str] | None = None) -> tuple[str, bool, int, int, torch.Tensor]:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *exports], env=environment, capture_output=True, text=True, check=True
    )
    capability, overflows, wrong, count, scores = json.loads(done.stdout.splitlines()[-1])
    return capability, overflows, wrong, count, torch.tensor(scores)


@pytest.fixture(scope="module")
def scores_here(exports: list[str]) -> torch.Tensor:
    return run(exports)[-1]


@pytest.mark.parametrize("level", ["avx512", "avx2", "generic"])
def test_int8_exports_are_exact_without_8_bit_dot_products(
    exports: list[str], scores_here: torch.Tensor, older_cpu: OlderCpu, level: Level
) -> None:
    capability, overflows, wrong, count, scores = run(exports, older_cpu.environment(level))
    own = CAPABILITIES.index(torch.backends.cpu.get_cpu_capability())
    expected = min(own, ("generic", "avx2", "avx512").index(level))
    assert capability == CAPABILITIES[expected]
    assert overflows == (expected > 0)  # 16-bit sums can overflow here, and the exports avoid it
    assert count > 10_000
    assert wrong == 0
    # Another order of float additions may round activations differently. An overflow would change scores by a third of
    # their standard deviation.
    assert (scores - scores_here).std() < 0.01 * scores_here.std()
