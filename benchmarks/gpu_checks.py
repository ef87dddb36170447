"""What `gpu_check.py` checks: one function each, whose docstring says what must hold; `CHECKS` at the end lists them.

A check takes a `Bench` and gives figures, and what is wrong with them. Without a GPU it does the same with small sizes.
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
from additive_gpu import bytes_moved, forms, measure
from gpu_bench import Bench, Found, Skipped
from gpu_learners import BASE, T1, Learner, Size, build, marian_step, our_step, random_batches
from torch import Tensor

import regard
from regard.attention.additive.chunked import chunked_backward, chunked_forward
from regard.attention.additive.triton_kernel import triton_backward, triton_forward
from regard.config.schema import AttentionConfig, ModelConfig, RNNConfig, TransformerConfig
from regard.store.weights import read_tensors
from regard.train.optimizer import Updater
from regard.train.precision import Precision
from regard.train.step import TrainingStep
from regard.values import Batch
from regard_phrasebook.corpus import write_corpus

SHEETS = {"H200": (989, 4.8), "H100 PCIe": (756, 2.0), "H100 NVL": (835, 3.9), "H100": (989, 3.35), "A100": (312, 2.0)}
"""Dense bfloat16 TFLOP/s and TB/s from memory, as NVIDIA's datasheets have them; the first name that fits counts."""


def peaks(bench: Bench) -> Found:
    """What can this card do? Measured peaks lie between 40 % and 105 % of its datasheet's."""
    found, size = Found(), 8192 if bench.on_gpu else 256
    for dtype in (torch.bfloat16, torch.float32):
        one, other = torch.randn(2, size, size, device=bench.device, dtype=dtype).unbind()
        took = bench.seconds(partial(torch.mm, one, other, out=torch.empty_like(one)), 20 if bench.on_gpu else 3)
        bench.peaks[f"{str(dtype).removeprefix('torch.')} TFLOP/s"] = 2 * size**3 / took / 1e12
    whole = torch.zeros(1 << (30 if bench.on_gpu else 22), dtype=torch.uint8, device=bench.device)
    took = bench.seconds(partial(torch.empty_like(whole).copy_, whole), 20)
    bench.peaks["copying TB/s"] = 2 * len(whole) / took / 1e12
    found.figures |= bench.peaks
    if bench.on_gpu:
        name = torch.cuda.get_device_name()
        sheet = next((sheet for card, sheet in SHEETS.items() if all(part in name for part in card.split())), None)
        if sheet is None:
            found.figures["datasheet"] = f"none known for {name}"
            return found
        bench.peaks["datasheet TFLOP/s"], bench.peaks["datasheet TB/s"] = sheet
        found.figures |= bench.peaks
        for measured, known in (("bfloat16 TFLOP/s", sheet[0]), ("copying TB/s", sheet[1])):
            share = bench.peaks[measured] / known
            found.expect(0.4 <= share <= 1.05, f"{measured}: {share:.0%} of the datasheet's {known}")
    return found


CASES = [  # B, H, T, S, D, type
    ((2, 2, 9, 17, 33), torch.float32),
    ((2, 1, 1, 70, 130), torch.float32),
    ((2, 1, 40, 50, 128), torch.bfloat16),
    ((2, 1, 1, 15, 512), torch.bfloat16),
    ((2, 2, 9, 17, 33), torch.float16),
]


def additive_values(bench: Bench) -> Found:
    """Is the Triton kernel of additive attention right? Forward and backward are float64's but for rounding."""
    if find_spec("triton") is None:
        raise Skipped("Triton is not installed")
    found = Found()
    for shape, dtype in CASES if bench.on_gpu else CASES[:2]:
        B, H, T, S, D = shape
        torch.manual_seed(1)
        given = [torch.randn(B, H, n, D, device=bench.device).to(dtype) for n in (T, S)]
        given.append(torch.randn(H, D, device=bench.device))
        upstream = torch.randn(B, H, T, S, device=bench.device)
        wide = [x.double() for x in given]
        expected = (chunked_forward(*wide), *chunked_backward(upstream.double(), *wide))
        try:
            got = (triton_forward(*given), *triton_backward(upstream, *given))
        except Exception as error:
            if bench.on_gpu or "only 0-dimensional arrays" not in str(error):
                raise
            raise Skipped("the interpreter of this Triton (3.6, say) does not know NumPy 2.4") from None
        # Gradients of queries and keys come in their type.
        rounding = {torch.float32: 1e-5, torch.bfloat16: 2**-7, torch.float16: 2**-10}[dtype]
        limits = (1e-5, rounding, rounding, 1e-5)
        errors = [
            float((one - right).abs().max() / right.abs().max()) for one, right in zip(got, expected, strict=True)
        ]
        case = f"{','.join(map(str, shape))} {str(dtype).removeprefix('torch.')}"
        found.figures[case] = dict(zip(("scores", "query", "key", "v"), errors, strict=True))
        for name, error, limit in zip(found.figures[case], errors, limits, strict=True):
            found.expect(error <= limit, f"{case}, {name}: off by {error:.1e} of the largest, more than {limit:.1e}")
        again = (triton_forward(*given), *triton_backward(upstream, *given))
        found.expect(all(map(torch.equal, got, again)), f"{case}: a second call gave other bytes")
    return found


def additive_speed(bench: Bench) -> Found:
    """Is that kernel worth it? It takes less time than the naive formula, where that takes 0.2 ms or more.

    The floor is the time in which the bytes that must move could be copied.
    """
    if not bench.on_gpu or find_spec("triton") is None:
        raise Skipped("there is nothing to time: Triton's interpreter says how right it is, not how fast")
    found = Found()
    tbs = bench.peaks.get("copying TB/s", float("nan"))
    for shape in ((128, 1, 15, 512), (32, 64, 64, 256), (32, 256, 256, 256)):
        for mode, runs in forms(shape, torch.bfloat16, bench.device).items():
            (naive, naive_mb), (ours, our_mb) = (measure(runs[name], bench.device, 20) for name in ("naive", "triton"))
            floor = bytes_moved(shape, torch.bfloat16, mode) / tbs / 1e9
            case = f"B,T,S,D {','.join(map(str, shape))} {mode}"
            found.figures[case] = {
                "ms": ours, "naive ms": naive, "floor ms": floor, "floor share": floor / ours,
                "MB": our_mb, "naive MB": naive_mb,
            }  # fmt: skip
            found.expect(naive < 0.2 or ours < naive, f"{case}: {ours:.3f} ms, the naive formula {naive:.3f} ms")
    return found


RNN = RNNConfig(embed_size=64, hidden_size=128, dropout=0.0)
JUDGED: dict[str, ModelConfig] = {
    "Transformer": TransformerConfig(width=64, ff_size=128, heads=4, encoder_layers=2, decoder_layers=2, dropout=0.0),
    "Bahdanau, additive": RNN.model_copy(
        update={"decoder": "bahdanau", "attention": AttentionConfig(score="additive")}
    ),
    "Luong, general": RNN,
    "Luong, feeding, GRU": RNN.model_copy(update={"input_feeding": True, "cell": "gru"}),
}


def gradients(bench: Bench) -> Found:
    """Are losses and gradients those of float32 on the CPU? Within 1 % in float32, 10 % in bfloat16; losses a tenth.

    A weight's gradient counts by its norm, or by 3 % of all gradients' where it is smaller: those of key
    biases are zero but for rounding. cuDNN runs RNNs in TF32, hence 1 %.
    """
    found = Found()
    (batch,) = random_batches(500, 600 if bench.on_gpu else 120, 1)

    def learn(config: ModelConfig, device: str, precision: Precision) -> tuple[float, dict[str, Tensor]]:
        model = build(config, 500, device).train()
        step = TrainingStep(model, Updater(model, betas=(0.9, 0.98)), precision, label_smoothing=0.1)
        loss, _ = step.backward(batch, batch.num_tgt_tokens)
        known = {name: weight.grad.cpu() for name, weight in model.named_parameters() if weight.grad is not None}
        return float(loss) / batch.num_tgt_tokens, known

    for name, config in JUDGED.items():
        loss, right = learn(config, "cpu", Precision("float32", "cpu"))
        least = 0.03 * float(torch.nn.utils.get_total_norm(right.values()))
        for number, limit in (("float32", 0.01), ("bfloat16", 0.1)):
            other, got = learn(config, bench.device, Precision(number, bench.device))  # type: ignore[arg-type]
            off = {one: float((got[one] - right[one]).norm() / right[one].norm().clamp_min(least)) for one in right}
            worst = max(off, key=lambda one: off[one])
            found.figures[f"{name}, {number}"] = {"loss off": abs(other / loss - 1), "worst gradient off": off[worst]}
            found.expect(
                abs(other / loss - 1) <= limit / 10, f"{name}, {number}: a loss of {other:.5f}, not {loss:.5f}"
            )
            found.expect(off[worst] <= limit, f"{name}, {number}: the gradient of {worst} is off by {off[worst]:.1%}")
    return found


def _train(bench: Bench, size: Size) -> Found:
    found = Found()
    if not bench.on_gpu:
        size = replace(size, layers=1, width=32, ff_size=64, vocab=300, tokens=(200,))
    warm, timed = (5, 30) if bench.on_gpu else (1, 2)
    compared = bench.on_gpu and find_spec("transformers") is not None
    for tokens in size.tokens:
        batches = list(random_batches(size.vocab, tokens, warm + timed))
        for name, make in (("regard", our_step), *([("Marian", marian_step)] if compared else ())):
            step = make(size, bench.device)
            losses = [step(batch) for batch in batches[:warm]]
            bench.wait()
            begun = time.perf_counter()
            losses += [step(batch) for batch in batches[warm:]]
            bench.wait()
            took = time.perf_counter() - begun
            case = f"{name}, {tokens:,} tokens"
            found.figures[case] = _speed(bench, size, batches[warm:], took) | {"loss": float(losses[-1])}
            if name == "regard":
                first, last = (float(torch.stack(some).mean()) for some in (losses[:3], losses[-3:]))
                found.expect(last < (first if bench.on_gpu else 10), f"{case}: loss {first:.2f}, later {last:.2f}")
                _ask_for_waits(bench, step, batches[0], found)
        if compared:
            ours, theirs = (found.figures[f"{name}, {tokens:,} tokens"]["tokens/s"] for name in ("regard", "Marian"))
            found.figures[f"over Marian, {tokens:,} tokens"] = ours / theirs
    if bench.on_gpu:
        found.figures["peak GB"] = torch.cuda.max_memory_allocated() / 1e9
    return found


def _speed(bench: Bench, size: Size, batches: list[Batch], took: float) -> dict[str, float]:
    rate = sum(map(size.operations, batches)) / took / 1e12
    figures = {
        "tokens/s": sum(batch.num_tgt_tokens for batch in batches) / took,
        "ms": 1e3 * took / len(batches),
        "TFLOP/s": rate,
    }
    for peak, name in (("bfloat16 TFLOP/s", "of the measured peak"), ("datasheet TFLOP/s", "of the datasheet's")):
        if peak in bench.peaks:
            figures[name] = rate / bench.peaks[peak]
    return figures


def _ask_for_waits(bench: Bench, step: Learner, batch: Batch, found: Found) -> None:
    # PyTorch refuses what makes the host wait for the GPU, and says what it was.
    if not bench.on_gpu:
        return
    torch.cuda.set_sync_debug_mode("error")
    try:
        step(batch)
    except RuntimeError as error:
        found.wrong.append(f"a training step waits for the GPU: {error}")
    finally:
        torch.cuda.set_sync_debug_mode("default")


def train_t1(bench: Bench) -> Found:
    """How fast do 3 + 3 layers of 256, 8,000 words, train in bfloat16? The loss falls, and no step waits."""
    return _train(bench, T1)


def train_base(bench: Bench) -> Found:
    """How fast do 6 + 6 layers of 512, 32,000 words, train in bfloat16? The loss falls, and no step waits."""
    return _train(bench, BASE)


def _regard_train(bench: Bench, name: str, *more: str) -> subprocess.Popen[str]:
    text, small = bench.place / "text", not bench.on_gpu
    width, layers, steps, every = (16, 1, 12, 4) if small else (256, 3, 600, 150)
    settings = {
        "model.width": width, "model.ff_size": 4 * width, "model.encoder_layers": layers, "model.heads": 4,
        "model.decoder_layers": layers, "subword.vocab_size": 300 if small else 4000, "train.steps": steps,
        "train.validate_every": every, "train.validate_sentences": 8 if small else 200, "train.warmup": every,
        "train.learning_rate": 2e-3, "train.batch_tokens": 256 if small else 4096, "train.device": bench.device,
        "train.precision": "bfloat16" if bench.on_gpu else "float32", "train.tensorboard": "false",
    }  # fmt: skip
    files = [f"--{side}={text / file}" for side, file in (("src", "train.en"), ("tgt", "train.fr"))]
    files += [f"--val-{side}={text / file}" for side, file in (("src", "val.en"), ("tgt", "val.fr"))]
    anew = ["--preset=transformer-tiny", *files, *(f"--set={key}={value}" for key, value in settings.items())]
    command = [sys.executable, "-m", "regard", "train", f"--out={bench.place / name}", *(more or anew)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _ended(running: subprocess.Popen[str], *codes: int) -> None:
    complaint = running.communicate(timeout=240)[1]
    if running.returncode not in codes:
        raise RuntimeError(f"`regard train` ended with {running.returncode}: {complaint[-2000:]}")


def _farthest(bench: Bench, one: str, other: str) -> float:
    (left, _), (right, _) = (read_tensors(bench.place / name / "weights.safetensors") for name in (one, other))
    return max(float((left[name] - right[name]).abs().max()) for name in left)


def resume(bench: Bench) -> Found:
    """Does an interrupted `regard train` go on as if nothing were? Its weights are the uninterrupted one's, bit by bit.

    Where the GPU adds in another order each time, they may be as far off as four times what lies between two
    uninterrupted trainings.
    """
    found = Found()
    write_corpus(
        bench.place / "text", pairs=20_000 if bench.on_gpu else 300, seed=1, max_length=60 if bench.on_gpu else 8
    )
    begun = time.perf_counter()
    whole, cut = _regard_train(bench, "whole"), _regard_train(bench, "cut")
    state = bench.place / "cut" / "training" / "state.safetensors"
    while not state.exists() and cut.poll() is None:
        time.sleep(0.002)
    cut.send_signal(signal.SIGTERM)
    _ended(cut, 0, 130)
    found.expect(cut.returncode == 130, "the training was over before it could be interrupted")
    _ended(_regard_train(bench, "cut", "--resume"), 0)
    _ended(whole, 0)
    found.figures["seconds for all three"] = time.perf_counter() - begun
    found.figures["largest difference"] = off = _farthest(bench, "whole", "cut")
    if off and bench.on_gpu:
        _ended(_regard_train(bench, "again"), 0)
        found.figures["between two uninterrupted"] = noise = _farthest(bench, "whole", "again")
        found.expect(off <= 4 * noise, f"weights are off by {off:.1e}, two uninterrupted trainings by {noise:.1e}")
    else:
        found.expect(not off, f"weights are off by {off:.1e}")
    return found


def translate(bench: Bench) -> Found:
    """Does the GPU translate as the CPU does? 98 % of float32 translations are the same, greedy and with beam 5."""
    path = bench.place / "whole"
    if not (path / "manifest.json").exists():
        raise RuntimeError("there is no model: see the check `resume`, which trains it")
    found = Found()
    lines = (bench.place / "text" / "val.en").read_text(encoding="utf-8").splitlines()[: 200 if bench.on_gpu else 8]
    here, there = regard.load(path, device="cpu"), regard.load(path, device=bench.device)
    half = regard.load(path, device=bench.device, precision="bfloat16")
    for beam in (1, 5):
        right = here.translate(lines, beam=beam)
        there.translate(lines[:2], beam=beam)
        begun = time.perf_counter()
        got = there.translate(lines, beam=beam)
        took = time.perf_counter() - begun
        same = [one for one in zip(got, right, strict=True) if one[0].text == one[1].text]
        off = max((abs(one.score - other.score) for one, other in same), default=0.0)
        rounded = half.translate(lines, beam=beam)
        alike = sum(one.text == other.text for one, other in zip(rounded, right, strict=True))
        found.figures[f"beam {beam}"] = {
            "same": len(same) / len(lines), "score off": off, "same in bfloat16": alike / len(lines),
            "sentences/s": len(lines) / took,
        }  # fmt: skip
        found.expect(len(same) >= 0.98 * len(lines), f"beam {beam}: {len(same)} of {len(lines)} are the CPU's")
        found.expect(off <= 1e-3, f"beam {beam}: scores of the same translations differ by {off:.1e}")
    one, other = (translator.translate(lines[:5], attention=True) for translator in (there, here))
    off = max(
        float((mine - theirs).abs().max())
        for left, right in zip(one, other, strict=True) if left.text == right.text and left.attention
        for mine, theirs in zip(left.attention.layers, right.attention.layers, strict=True)
    )  # fmt: skip
    found.figures["attention off"] = off
    found.expect(off <= 1e-3, f"attention differs by {off:.1e}")
    return found


CHECKS: list[tuple[Callable[[Bench], Found], int]] = [
    (peaks, 5), (additive_values, 60), (additive_speed, 20), (gradients, 15), (train_t1, 25), (train_base, 45),
    (resume, 90), (translate, 30),
]  # fmt: skip
"""In this order, with the seconds that each takes, about."""
