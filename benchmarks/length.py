"""Does attention repair the fixed-length vector on long sentences (S14; Bahdanau 2015, figure 2)?

    python benchmarks/length.py --out runs/length [--steps 4000] [--rate 2e-3] [--threads 2]

Trains `plain`, `bahdanau` and `luong-general` on the phrasebook with equal parameters (within 1 %), equal data and
equal steps; prints BLEU by source length on unseen sentences and the norm of the gradient that a target word sends back
to the source word it is aligned to, by the number of recurrent steps between the two; draws both. A training
that is already in --out is used again.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import torch
from matplotlib.figure import Figure

from regard.config.load import load_config
from regard.config.schema import AttentionConfig, Config, RNNConfig
from regard.data.collate import collate
from regard.evaluate.length import LengthRow, by_source_length
from regard.inspection.alignment import read_pharaoh
from regard.inspection.gradients import source_gradients
from regard.model.build import build_model
from regard.phrasebook.corpus import write_corpus
from regard.runs.console import ConsoleReporter
from regard.runs.training import train
from regard.search.greedy import greedy_search
from regard.store import StoredModel, load_model
from regard.text.words import word_of_piece

VARIANTS: dict[str, dict[str, object]] = {
    "plain": {"decoder": "plain", "attention": AttentionConfig()},
    "luong-general": {"decoder": "luong", "attention": AttentionConfig(score="general")},
    "bahdanau": {"decoder": "bahdanau", "attention": AttentionConfig(score="additive")},
}
EDGES = (5, 10, 15, 20, 30, 40)
DISTANCES = (0, 5, 10, 15, 20, 30, 40, 60, 80, 200)


def num_parameters(config: Config) -> int:
    """Trained numbers of the model."""
    size = config.subword.vocab_size or 0
    model = build_model(config.model, src_vocab=size, tgt_vocab=size, shared=True)
    return sum(parameter.numel() for parameter in model.parameters())


def equal_configs(data: Path, steps: int, rate: float, threads: int) -> dict[str, Config]:
    """One configuration a variant, its hidden size chosen so that all have as many parameters as Bahdanau's."""
    base = load_config(None, preset="demo", overrides=[
        f'data.src = "{data}/train.en"', f'data.tgt = "{data}/train.fr"',
        f'data.val_src = "{data}/val.en"', f'data.val_tgt = "{data}/val.fr"',
        f"train.steps = {steps}", f"train.learning_rate = {rate}", "train.warmup = 300",
        f"train.threads = {threads}", f"train.validate_every = {max(1, steps // 6)}",
    ])  # fmt: skip
    base = base.model_copy(update={"train": base.train.model_copy(update={"max_minutes": None})})
    assert isinstance(base.model, RNNConfig)
    wanted = num_parameters(base)
    configs = {}
    for name, changes in VARIANTS.items():
        sized = [
            base.model_copy(update={"model": base.model.model_copy(update={**changes, "hidden_size": hidden})})
            for hidden in range(base.model.hidden_size, 2 * base.model.hidden_size, 8)
        ]
        configs[name] = min(sized, key=lambda config: abs(num_parameters(config) - wanted))
    return configs


def read(path: Path) -> list[str]:
    """The lines of a file."""
    return path.read_text(encoding="utf-8").splitlines()


@torch.inference_mode()
def translate(stored: StoredModel, sources: list[str]) -> list[str]:
    """Greedy translations, in order."""
    ids = stored.src_subword.encode_ids(sources)
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    texts = [""] * len(ids)
    for at in range(0, len(order), 100):
        rows = order[at : at + 100]
        batch = collate([ids[row] for row in rows], None, specials=stored.tgt_subword.specials)
        found = greedy_search(
            stored.model, batch.src_ids, batch.src_len, max_len=2 * batch.src_len + 20,
            specials=stored.tgt_subword.specials,
        )  # fmt: skip
        for row, hypothesis in zip(rows, found, strict=True):
            texts[row] = stored.tgt_subword.decode(hypothesis.ids).text
    return texts


def gradient_by_distance(stored: StoredModel, data: Path, count: int = 60) -> dict[int, float]:
    """Median gradient norm between gold-aligned words, by recurrent steps on the shortest way without attention."""
    found: dict[int, list[float]] = defaultdict(list)
    sides = (read(data / "test.en"), read(data / "test.fr"), list(read_pharaoh(data / "test.align")))
    rows = [row for row, source in enumerate(sides[0]) if len(source.split()) >= 10][:count]
    for row in rows:
        src, tgt = stored.src_subword.encode(sides[0][row]), stored.tgt_subword.encode(sides[1][row])
        batch = collate([src.ids], [tgt.ids], specials=stored.tgt_subword.specials)
        norms = source_gradients(stored.model, batch)[0]
        src_words, tgt_words = word_of_piece(src), word_of_piece(tgt)
        for i, j in sides[2][row].sure:
            pieces = [at for at, word in enumerate(src_words) if word == i]
            t = tgt_words.index(j)
            steps = min(min(at, len(src.ids) - at) for at in pieces) + t
            bucket = max(edge for edge in DISTANCES if edge <= steps)
            found[bucket].append(max(norms[t, at].item() for at in pieces))
    return {bucket: float(torch.tensor(values).median()) for bucket, values in sorted(found.items()) if len(values) > 9}


def draw(out: Path, lengths: dict[str, list[LengthRow]], gradients: dict[str, dict[int, float]]) -> None:
    """Two pictures: BLEU by length, gradient by distance."""
    styles = {"plain": ("#888888", "o"), "luong-general": ("#0072b2", "s"), "bahdanau": ("#d55e00", "^")}
    for name, ylabel, xlabel in (
        ("bleu-by-length", "BLEU", "source words"),
        ("gradient-by-distance", "gradient norm (median)", "recurrent steps between the two words"),
    ):
        figure = Figure(figsize=(6, 3.6), dpi=150, layout="constrained")
        axes = figure.add_subplot()
        for variant, (colour, marker) in styles.items():
            if name == "bleu-by-length":
                xs, ys = [row.label for row in lengths[variant]], [row.bleu for row in lengths[variant]]
            else:
                xs, ys = [f"{edge}+" for edge in gradients[variant]], list(gradients[variant].values())
                axes.set_yscale("log")
            axes.plot(xs, ys, color=colour, marker=marker, label=variant)
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.3)
        axes.legend(frameon=False)
        figure.savefig(out / f"{name}.png")


def main() -> None:
    """Trains, measures, prints, draws."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/length"))
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate, the same for all three")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=list(VARIANTS), help="train this one and stop")
    options = parser.parse_args()
    data = options.out / "phrasebook"
    if not (data / "test.align").exists():
        write_corpus(data, pairs=20_000, seed=1)
        write_corpus(options.out / "long", pairs=4000, seed=2, min_length=20)
    configs = equal_configs(data, options.steps, options.rate, options.threads)
    for name, config in configs.items():
        if options.only in (None, name) and not (options.out / name / "manifest.json").exists():
            print(f"{name}: {num_parameters(config):,} parameters", flush=True)
            train(config, options.out / name, reporter=ConsoleReporter(), overwrite=True)
    if options.only:
        return
    sources, references = ([*read(data / f"test.{s}"), *read(options.out / f"long/test.{s}")] for s in ("en", "fr"))
    lengths, gradients = {}, {}
    for name in VARIANTS:
        stored = load_model(options.out / name)
        lengths[name] = by_source_length(sources, translate(stored, sources), references, edges=EDGES)
        gradients[name] = gradient_by_distance(stored, data)
    labels = [row.label for row in lengths["plain"]]
    print("| source words | sentences | " + " | ".join(VARIANTS) + " |\n|---|---|" + "---|" * len(VARIANTS))
    for number, label in enumerate(labels):
        row = [f"{lengths[name][number].bleu:.1f}" for name in VARIANTS]
        print(f"| {label} | {lengths['plain'][number].num_sentences} | " + " | ".join(row) + " |")
    print("\n| recurrent steps | " + " | ".join(VARIANTS) + " |\n|---|" + "---|" * len(VARIANTS))
    for bucket in gradients["plain"]:
        print(f"| {bucket}+ | " + " | ".join(f"{gradients[name].get(bucket, 0):.2e}" for name in VARIANTS) + " |")
    (options.out / "gradients.json").write_text(json.dumps(gradients))
    draw(options.out, lengths, gradients)


if __name__ == "__main__":
    main()
