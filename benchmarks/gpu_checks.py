"""Checks of `gpu_check.py`: one function each, whose docstring states the requirement; `CHECKS` at the end lists them.

A check takes a `Setup` and returns figures and failures. Without a GPU it runs with small sizes.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec

import torch
from additive_gpu import bytes_moved, measure, versions
from gpu_bench import CheckResult, Setup, Skipped
from gpu_learners import BASE, T1, Size, TrainStep, build, marian_step, our_step, random_batches
from torch import Tensor

import regard
from regard.attention.additive.chunked import chunked_backward, chunked_forward
from regard.attention.additive.triton_kernel import triton_backward, triton_forward
from regard.config.schema import AttentionConfig, ModelConfig, RNNConfig, TransformerConfig
from regard.store.weights import read_tensors
from regard.train.objective import Objective
from regard.train.optimizer import Updater
from regard.train.precision import Precision
from regard.train.step import TrainingStep
from regard.values import Batch
from regard_phrasebook.corpus import write_corpus

SHEETS = {"H200": (989, 4.8), "H100 PCIe": (756, 2.0), "H100 NVL": (835, 3.9), "H100": (989, 3.35), "A100": (312, 2.0)}
"""Dense bfloat16 TFLOP/s and memory bandwidth in TB/s from NVIDIA's datasheets; the first matching name is used."""


def peaks(setup: Setup) -> CheckResult:
    """How fast is this card? Measured peaks must be between 40 % and 105 % of those in its datasheet."""
    result, size = CheckResult(), 8192 if setup.on_gpu else 256
    for dtype in (torch.bfloat16, torch.float32):
        left, right = torch.randn(2, size, size, device=setup.device, dtype=dtype).unbind()
        seconds = setup.seconds(partial(torch.mm, left, right, out=torch.empty_like(left)), 20 if setup.on_gpu else 3)
        setup.peaks[f"{str(dtype).removeprefix('torch.')} TFLOP/s"] = 2 * size**3 / seconds / 1e12
    data = torch.zeros(1 << (30 if setup.on_gpu else 22), dtype=torch.uint8, device=setup.device)
    seconds = setup.seconds(partial(torch.empty_like(data).copy_, data), 20)
    setup.peaks["copying TB/s"] = 2 * len(data) / seconds / 1e12
    result.figures |= setup.peaks
    if setup.on_gpu:
        name = torch.cuda.get_device_name()
        sheet = next((sheet for card, sheet in SHEETS.items() if all(part in name for part in card.split())), None)
        if sheet is None:
            result.figures["datasheet"] = f"unknown for {name}"
            return result
        setup.peaks["datasheet TFLOP/s"], setup.peaks["datasheet TB/s"] = sheet
        result.figures |= setup.peaks
        for measured, known in (("bfloat16 TFLOP/s", sheet[0]), ("copying TB/s", sheet[1])):
            share = setup.peaks[measured] / known
            result.expect(0.4 <= share <= 1.05, f"{measured}: {share:.0%} of the datasheet's {known}")
    return result


CASES = [  # B, H, T, S, D, type
    ((2, 2, 9, 17, 33), torch.float32),
    ((2, 1, 1, 70, 130), torch.float32),
    ((2, 1, 40, 50, 128), torch.bfloat16),
    ((2, 1, 1, 15, 512), torch.bfloat16),
    ((2, 2, 9, 17, 33), torch.float16),
]


def additive_values(setup: Setup) -> CheckResult:
    """Is the Triton kernel of additive attention correct? Forward and backward must equal float64 up to rounding."""
    if find_spec("triton") is None:
        raise Skipped("Triton is not installed")
    result = CheckResult()
    for shape, dtype in CASES if setup.on_gpu else CASES[:2]:
        B, H, T, S, D = shape
        torch.manual_seed(1)
        inputs = [torch.randn(B, H, n, D, device=setup.device).to(dtype) for n in (T, S)]
        inputs.append(torch.randn(H, D, device=setup.device))
        upstream = torch.randn(B, H, T, S, device=setup.device)
        wide = [x.double() for x in inputs]
        expected = (chunked_forward(*wide), *chunked_backward(upstream.double(), *wide))
        try:
            actual = (triton_forward(*inputs), *triton_backward(upstream, *inputs))
        except Exception as error:
            if setup.on_gpu or "only 0-dimensional arrays" not in str(error):
                raise
            raise Skipped("the interpreter of this Triton version (such as 3.6) does not support NumPy 2.4") from None
        # Gradients of queries and keys have the type of these.
        rounding = {torch.float32: 1e-5, torch.bfloat16: 2**-7, torch.float16: 2**-10}[dtype]
        limits = (1e-5, rounding, rounding, 1e-5)
        errors = [
            float((value - right).abs().max() / right.abs().max())
            for value, right in zip(actual, expected, strict=True)
        ]
        case = f"{','.join(map(str, shape))} {str(dtype).removeprefix('torch.')}"
        result.figures[case] = dict(zip(("scores", "query", "key", "v"), errors, strict=True))
        for name, relative, limit in zip(result.figures[case], errors, limits, strict=True):
            result.expect(relative <= limit, f"{case}, {name}: relative error of {relative:.1e}, more than {limit:.1e}")
        again = (triton_forward(*inputs), *triton_backward(upstream, *inputs))
        result.expect(all(map(torch.equal, actual, again)), f"{case}: a second call gave a different result")
    return result


def additive_speed(setup: Setup) -> CheckResult:
    """Is that kernel fast? It must be faster than the naive formula where that takes 0.2 ms or more.

    The floor is the time of copying the minimum number of bytes.
    """
    if not setup.on_gpu or find_spec("triton") is None:
        raise Skipped("nothing to time: Triton's interpreter shows whether the kernel is correct, not how fast it is")
    result = CheckResult()
    tbs = setup.peaks.get("copying TB/s", float("nan"))
    for shape in ((128, 1, 15, 512), (32, 64, 64, 256), (32, 256, 256, 256)):
        for mode, runs in versions(shape, torch.bfloat16, setup.device).items():
            (naive, naive_mb), (ours, our_mb) = (measure(runs[name], setup.device, 20) for name in ("naive", "triton"))
            floor = bytes_moved(shape, torch.bfloat16, mode) / tbs / 1e9
            case = f"B,T,S,D {','.join(map(str, shape))} {mode}"
            result.figures[case] = {
                "ms": ours, "naive ms": naive, "floor ms": floor, "floor share": floor / ours,
                "MB": our_mb, "naive MB": naive_mb,
            }  # fmt: skip
            result.expect(naive < 0.2 or ours < naive, f"{case}: {ours:.3f} ms, the naive formula {naive:.3f} ms")
    return result


RNN = RNNConfig(embed_size=64, hidden_size=128, dropout=0.0)
MODELS: dict[str, ModelConfig] = {
    "Transformer": TransformerConfig(width=64, ff_size=128, heads=4, encoder_layers=2, decoder_layers=2, dropout=0.0),
    "Bahdanau, additive": RNN.model_copy(
        update={"decoder": "bahdanau", "attention": AttentionConfig(score="additive")}
    ),
    "Luong, general": RNN,
    "Luong, feeding, GRU": RNN.model_copy(update={"input_feeding": True, "cell": "gru"}),
}


def gradients(setup: Setup) -> CheckResult:
    """Do gradients agree with float32 on the CPU? They must, within 1 % in float32 and 10 % in bfloat16.

    Losses must agree within a tenth of that.
    An error is relative to the norm of a weight's gradient, or to 3 % of the norm of all gradients if that is larger:
    the gradients of key biases are zero except for rounding. The limit is 1 % because cuDNN runs RNNs in TF32.
    """
    result = CheckResult()
    (batch,) = random_batches(500, 600 if setup.on_gpu else 120, 1)

    def learn(config: ModelConfig, device: str, precision: Precision) -> tuple[float, dict[str, Tensor]]:
        model = build(config, 500, device).train()
        step = TrainingStep(model, Updater(model, betas=(0.9, 0.98)), precision, Objective(0.1))
        loss, _ = step.backward(batch, batch.num_tgt_tokens)
        grads = {name: weight.grad.cpu() for name, weight in model.named_parameters() if weight.grad is not None}
        return float(loss) / batch.num_tgt_tokens, grads

    for name, config in MODELS.items():
        loss, right = learn(config, "cpu", Precision("float32", "cpu"))
        least = 0.03 * float(torch.nn.utils.get_total_norm(right.values()))
        for number, limit in (("float32", 0.01), ("bfloat16", 0.1)):
            other, grads = learn(config, setup.device, Precision(number, setup.device))  # type: ignore[arg-type]
            errors = {
                weight: float((grads[weight] - right[weight]).norm() / right[weight].norm().clamp_min(least))
                for weight in right
            }
            worst = max(errors, key=lambda weight: errors[weight])
            error = abs(other / loss - 1)
            result.figures[f"{name}, {number}"] = {"loss off": error, "worst gradient off": errors[worst]}
            result.expect(error <= limit / 10, f"{name}, {number}: expected a loss of {loss:.5f}, got {other:.5f}")
            result.expect(
                errors[worst] <= limit, f"{name}, {number}: the gradient of {worst} differs by {errors[worst]:.1%}"
            )
    return result


def _train(setup: Setup, size: Size) -> CheckResult:
    result = CheckResult()
    if not setup.on_gpu:
        size = replace(size, layers=1, width=32, ff_size=64, vocab=300, tokens=(200,))
    warm, timed = (5, 30) if setup.on_gpu else (1, 2)
    compared = setup.on_gpu and find_spec("transformers") is not None
    for tokens in size.tokens:
        batches = list(random_batches(size.vocab, tokens, warm + timed))
        for name, make in (("regard", our_step), *([("Marian", marian_step)] if compared else ())):
            step = make(size, setup.device)
            losses = [step(batch) for batch in batches[:warm]]
            setup.wait()
            start = time.perf_counter()
            losses += [step(batch) for batch in batches[warm:]]
            setup.wait()
            seconds = time.perf_counter() - start
            case = f"{name}, {tokens:,} tokens"
            result.figures[case] = _speed(setup, size, batches[warm:], seconds) | {"loss": float(losses[-1])}
            if name == "regard":
                first, last = (float(torch.stack(part).mean()) for part in (losses[:3], losses[-3:]))
                result.expect(
                    last < (first if setup.on_gpu else 10), f"{case}: loss {first:.2f} at first, {last:.2f} at last"
                )
                _check_for_waits(setup, step, batches[0], result)
        if compared:
            ours, theirs = (result.figures[f"{name}, {tokens:,} tokens"]["tokens/s"] for name in ("regard", "Marian"))
            result.figures[f"over Marian, {tokens:,} tokens"] = ours / theirs
    if setup.on_gpu:
        result.figures["peak GB"] = torch.cuda.max_memory_allocated() / 1e9
    return result


def _speed(setup: Setup, size: Size, batches: list[Batch], seconds: float) -> dict[str, float]:
    rate = sum(map(size.operations, batches)) / seconds / 1e12
    figures = {
        "tokens/s": sum(batch.num_tgt_tokens for batch in batches) / seconds,
        "ms": 1e3 * seconds / len(batches),
        "TFLOP/s": rate,
    }
    for peak, name in (("bfloat16 TFLOP/s", "of the measured peak"), ("datasheet TFLOP/s", "of the datasheet's")):
        if peak in setup.peaks:
            figures[name] = rate / setup.peaks[peak]
    return figures


def _check_for_waits(setup: Setup, step: TrainStep, batch: Batch, result: CheckResult) -> None:
    # In this mode PyTorch raises an error for operations that make the host wait for the GPU.
    if not setup.on_gpu:
        return
    torch.cuda.set_sync_debug_mode("error")
    try:
        step(batch)
    except RuntimeError as error:
        result.failures.append(f"a training step waits for the GPU: {error}")
    finally:
        torch.cuda.set_sync_debug_mode("default")


def train_t1(setup: Setup) -> CheckResult:
    """How fast is training 3 + 3 layers of 256, 8,000 words, in bfloat16? The loss must fall, and no step may wait."""
    return _train(setup, T1)


def train_base(setup: Setup) -> CheckResult:
    """How fast is training 6 + 6 layers of 512, 32,000 words, in bfloat16? The loss must fall, and no step may wait."""
    return _train(setup, BASE)


def _regard_train(setup: Setup, name: str, *more: str) -> subprocess.Popen[str]:
    text, small = setup.directory / "text", not setup.on_gpu
    width, layers, steps, every = (16, 1, 12, 4) if small else (256, 3, 600, 150)
    settings = {
        "model.width": width, "model.ff_size": 4 * width, "model.encoder_layers": layers, "model.heads": 4,
        "model.decoder_layers": layers, "subword.vocab_size": 300 if small else 4000, "train.steps": steps,
        "train.validate_every": every, "train.validate_sentences": 8 if small else 200, "train.warmup": every,
        "train.learning_rate": 2e-3, "train.batch_tokens": 256 if small else 4096, "train.device": setup.device,
        "train.precision": "bfloat16" if setup.on_gpu else "float32", "train.tensorboard": "false",
    }  # fmt: skip
    files = [f"--{side}={text / file}" for side, file in (("src", "train.en"), ("tgt", "train.fr"))]
    files += [f"--val-{side}={text / file}" for side, file in (("src", "val.en"), ("tgt", "val.fr"))]
    options = ["--preset=transformer-tiny", *files, *(f"--set={key}={value}" for key, value in settings.items())]
    command = [sys.executable, "-m", "regard", "train", f"--out={setup.directory / name}", *(more or options)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _check_exit(running: subprocess.Popen[str], *codes: int) -> None:
    errors = running.communicate(timeout=240)[1]
    if running.returncode not in codes:
        raise RuntimeError(f"`regard train` ended with {running.returncode}: {errors[-2000:]}")


def _largest_difference(setup: Setup, first: str, second: str) -> float:
    (left, _), (right, _) = (read_tensors(setup.directory / name / "weights.safetensors") for name in (first, second))
    return max(float((left[name] - right[name]).abs().max()) for name in left)


def resume(setup: Setup) -> CheckResult:
    """Is `regard train` resumed exactly? Its weights must be equal to those of an uninterrupted training.

    If the GPU is not deterministic, the difference may be up to four times that between two uninterrupted trainings.
    """
    result = CheckResult()
    write_corpus(
        setup.directory / "text", pairs=20_000 if setup.on_gpu else 300, seed=1, max_length=60 if setup.on_gpu else 8
    )
    start = time.perf_counter()
    whole, cut = _regard_train(setup, "whole"), _regard_train(setup, "cut")
    state = setup.directory / "cut" / "training" / "state.safetensors"
    while not state.exists() and cut.poll() is None:
        time.sleep(0.002)
    cut.send_signal(signal.SIGTERM)
    _check_exit(cut, 0, 130)
    result.expect(cut.returncode == 130, "the training ended before it could be interrupted")
    _check_exit(_regard_train(setup, "cut", "--resume"), 0)
    _check_exit(whole, 0)
    result.figures["seconds for all three"] = time.perf_counter() - start
    result.figures["largest difference"] = difference = _largest_difference(setup, "whole", "cut")
    if difference and setup.on_gpu:
        _check_exit(_regard_train(setup, "again"), 0)
        result.figures["between two uninterrupted"] = noise = _largest_difference(setup, "whole", "again")
        result.expect(
            difference <= 4 * noise,
            f"weights differ by {difference:.1e}, those of two uninterrupted trainings by {noise:.1e}",
        )
    else:
        result.expect(not difference, f"weights differ by {difference:.1e}")
    return result


def translate(setup: Setup) -> CheckResult:
    """Does the GPU translate like the CPU? 98 % of float32 translations must be equal, with beam 1 and 5."""
    path = setup.directory / "whole"
    if not (path / "manifest.json").exists():
        raise RuntimeError("found no model: see the check `resume`, which trains it")
    result = CheckResult()
    lines = (setup.directory / "text" / "val.en").read_text(encoding="utf-8").splitlines()[: 200 if setup.on_gpu else 8]
    cpu, gpu = regard.load(path, device="cpu"), regard.load(path, device=setup.device)
    half = regard.load(path, device=setup.device, precision="bfloat16")
    for beam in (1, 5):
        expected = cpu.translate(lines, beam=beam)
        gpu.translate(lines[:2], beam=beam)
        start = time.perf_counter()
        actual = gpu.translate(lines, beam=beam)
        seconds = time.perf_counter() - start
        same = [(left, right) for left, right in zip(actual, expected, strict=True) if left.text == right.text]
        error = max((abs(left.score - right.score) for left, right in same), default=0.0)
        rounded = half.translate(lines, beam=beam)
        num_equal = sum(left.text == right.text for left, right in zip(rounded, expected, strict=True))
        result.figures[f"beam {beam}"] = {
            "same": len(same) / len(lines), "score off": error, "same in bfloat16": num_equal / len(lines),
            "sentences/s": len(lines) / seconds,
        }  # fmt: skip
        result.expect(len(same) >= 0.98 * len(lines), f"beam {beam}: {len(same)} of {len(lines)} equal the CPU's")
        result.expect(error <= 1e-3, f"beam {beam}: scores of equal translations differ by {error:.1e}")
    actual, expected = (translator.translate(lines[:5], attention=True) for translator in (gpu, cpu))
    error = max(
        float((a - b).abs().max())
        for left, right in zip(actual, expected, strict=True)
        if left.text == right.text and left.attention and right.attention
        for a, b in zip(left.attention.layers, right.attention.layers, strict=True)
    )  # fmt: skip
    result.figures["attention off"] = error
    result.expect(error <= 1e-3, f"attention differs by {error:.1e}")
    return result


CHECKS: list[tuple[Callable[[Setup], CheckResult], int]] = [
    (peaks, 5), (additive_values, 60), (additive_speed, 20), (gradients, 15), (train_t1, 25), (train_base, 45),
    (resume, 90), (translate, 30),
]  # fmt: skip
"""Checks in order, with the approximate seconds of each."""
