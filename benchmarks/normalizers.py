"""What do sparse attention weights cost, and what do they look like?

    python benchmarks/normalizers.py [--out runs/normalizers] [--threads 1]

Prints the median milliseconds of forward plus backward by length, each with its ratio to the softmax. For each
normalizer, draws the weight of the first of two scores by their difference, and the attention of a small model that has
learned to reverse digits; training takes about 30 seconds each.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import digits
import torch
from matplotlib.figure import Figure
from timing import median_ms

from regard.attention.normalizers import Normalizer
from regard.config.schema import AttentionConfig, NormalizerName
from regard.data.collate import collate
from regard.model.build import NORMALIZERS

COLORS = {"softmax": "#000000", "sparsemax": "#d55e00", "entmax15": "#0072b2", "smooth": "#009e73"}
STEPS, SHOWN = 400, (7, 4, 12, 9, 5, 13, 6, 8)


def milliseconds(normalizer: Normalizer, length: int) -> float:
    """Median time of a forward and backward pass over 64 sentences, four heads, T = S, with a quarter of padding."""
    scores = torch.randn(64, 4, length, length, requires_grad=True)
    mask = torch.ones(64, 1, 1, length, dtype=torch.bool)
    mask[..., length - length // 4 :] = False
    upstream = torch.randn_like(scores)
    return median_ms(lambda: normalizer(scores, mask).backward(upstream))


def learned_weights(name: NormalizerName) -> torch.Tensor:
    """Attention, `(T, S)`, of a small trained model that reverses the digits `SHOWN`."""
    batches = (digits.examples(64, step, 4, 8, backwards=True) for step in range(STEPS))
    model = digits.train(AttentionConfig(score="additive", normalizer=name), batches, seed=1)
    batch = collate([list(SHOWN)], [list(reversed(SHOWN))], specials=digits.SPECIALS)
    with torch.no_grad():
        weights: torch.Tensor = model(batch, need_weights=True).weights[0][0, 0]
        return weights


def draw_curves(path: Path) -> None:
    """Draws the weight of the first of two scores by their difference."""
    figure = Figure(figsize=(6, 3.2), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    difference = torch.linspace(-4, 4, 401)
    scores = torch.stack([difference, torch.zeros(401)], dim=-1)[:, None, None]  # (N, 1, 1, 2)
    for name, normalizer in NORMALIZERS.items():
        weights = normalizer(scores, None)[:, 0, 0, 0]
        axes.plot(difference.tolist(), weights.tolist(), label=name, color=COLORS[name])
    axes.set_xlabel("score of the first position (score of the second: 0)")
    axes.set_ylabel("weight of the first position")
    axes.legend(frameon=False)
    figure.savefig(path)


def draw_matrices(weights_by_name: dict[str, torch.Tensor], path: Path) -> None:
    """Draws the matrices side by side; weights of exactly zero are white, all others are not."""
    figure = Figure(figsize=(9, 2.8), dpi=150, layout="constrained")
    names = [*map(str, (number - 4 for number in SHOWN)), "end"]
    for axes, (name, weights) in zip(figure.subplots(1, len(weights_by_name)), weights_by_name.items(), strict=True):
        axes.imshow(torch.where(weights > 0, 0.08 + 0.92 * weights, 0.0).numpy(), cmap="Blues", vmin=0, vmax=1)
        share = (weights == 0).float().mean().item()
        axes.set_title(f"{name}: {share:.0%} exactly 0", fontsize=9)
        axes.set_xticks(range(len(names)), names, fontsize=7)
        axes.set_yticks(range(len(names)), [*reversed(names[:-1]), "end"], fontsize=7)
    figure.savefig(path)


def main() -> None:
    """Prints the times and draws the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/normalizers"))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    print("| T = S | " + " | ".join(NORMALIZERS) + " |")
    print("|---" * (1 + len(NORMALIZERS)) + "|")
    for length in (16, 32, 64, 128):
        times = [milliseconds(normalizer, length) for normalizer in NORMALIZERS.values()]
        print(
            f"| {length} | " + " | ".join(f"{time:.1f} ms, {time / times[0]:.1f}" for time in times) + " |", flush=True
        )
    draw_curves(options.out / "normalizers.png")
    names: tuple[NormalizerName, ...] = ("softmax", "entmax15", "sparsemax", "smooth")
    draw_matrices({name: learned_weights(name) for name in names}, options.out / "normalizer-matrices.png")


if __name__ == "__main__":
    main()
