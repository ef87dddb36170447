"""Every option alone, on every preset, changes the model or the training, or is refused with a message.

Cases are generated from the schema, so that new options are included automatically. A sample of the cases is tried;
`make every-option` tries all.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
from pydantic.fields import FieldInfo
from trainings import Case, tried

from regard.config.auto import apply_rules
from regard.config.load import load_config
from regard.config.messages import bounds
from regard.config.presets import preset_names
from regard.config.schema import Config, RNNConfig, Section, TransformerConfig
from regard.config.toml_text import write_value
from regard.errors import ConfigError

SHARE = 40
"""One case in so many is tried, unless all are requested."""
SEEDS = (1, 2, 3)
"""Four training steps may show no difference by chance: options without effect are tried with other seeds."""
ALL = "REGARD_EVERY_OPTION" in os.environ
NUM_PAIRS = 60
"""Sentence pairs of the training text."""
TEXT = ["data.src=train.en", "data.tgt=train.fr", "data.val_src=val.en", "data.val_tgt=val.fr"]
SMALL = [
    *TEXT, "subword.vocab_size=300", "train.steps=4", "train.learning_rate=0.02", "train.validate_every=1",
    "train.batch_tokens=96", "train.warmup=1", "train.threads=1", "train.precision=float32", "train.device=cpu",
    "train.tensorboard=false",
    "train.validate_sentences=8", "train.keep=2", "train.accumulate=1", "data.on_error=skip",
    "search.max_len_ratio=1", "search.max_len_offset=4",  # what four steps have taught never ends a sentence
]  # fmt: skip
SIZES = {
    "rnn": ["model.embed_size=8", "model.hidden_size=12"],
    "transformer": ["model.width=32", "model.ff_size=16", "model.encoder_layers=2", "model.decoder_layers=2"],
}
WORDS = {"one": "un", "dog": "chien", "cat": "chat", "sees": "voit", "big": "grand", "and": "et", "runs": "court"}
STRINGS = {
    "preset": ["luong-dot", "transformer-tiny"], "data.src": ["other.en"], "data.tgt": ["other.fr"],
    "data.val_src": ["test.en"], "data.val_tgt": ["test.fr"], "train.device": ["cuda:17"],
    "train.guided_file": ["links"], "data.langs": ["en-fr"], "data.format": ["moses"], "data.encoding": ["utf-16"],
    "data.prepared": [],  # a directory: see tests/integration/recipes/test_prepared_training.py
    "train.parent": [],  # fits one architecture: see tests/integration/recipes/test_fine_tuning.py
}  # fmt: skip
"""Values of text options."""
NUMBERS: dict[str, list[object]] = {
    "model.attention.size": [8], "train.betas": [[0.5, 0.98], [0.9, 0.5]],
    "train.epochs": [1], "train.max_minutes": [1], "data.max_len": [6],
    "train.guided_layer": [0], "train.seed": [2], "subword.vocab_size": [280], "train.warmup": [3],
    "train.batch_tokens": [64], "search.max_len_offset": [1], "search.max_len_ratio": [0.25],
    "model.attention.heads": [2, 3], "model.heads": [2, 1], "train.min_learning_rate": [0.015],
    "train.clip_norm": [0.01], "data.columns": [["2", "1"]],
    "data.corpora": [[{"src": "other.en", "tgt": "other.fr"}]], "data.temperature": [5.0],
    "train.freeze": [["encoder"], ["embeddings", "decoder"]], "train.lora_rank": [2], "train.lora_alpha": [4.0],
    "train.r_drop": [5.0],
}  # fmt: skip
"""Values that have an effect within a few steps, where half of the default has none."""


RESOLVED = {"train.bleu_tokenize": "13a"}
"""Value that `auto` becomes for this text."""


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parallel text of a toy language, in two versions."""
    directory = tmp_path_factory.mktemp("text")
    for name, count in (("train", NUM_PAIRS), ("other", NUM_PAIRS), ("val", 8), ("test", 8)):
        draw = random.Random(name)
        rows = [draw.choices(list(WORDS), k=draw.randint(2, 8)) for _ in range(count)]
        for ending, lines in (("en", rows), ("fr", [[WORDS[word] for word in row] for row in rows])):
            written = "".join(" ".join(line) + "\n" for line in lines)
            (directory / f"{name}.{ending}").write_text(written, encoding="utf-8")
    with (directory / "train.en").open("ab") as src, (directory / "train.fr").open("ab") as tgt:
        src.write(b"\xff\n")  # a faulty line, which data.on_error = "skip" leaves out
        tgt.write(b"faute\n")
    (directory / "links").write_text("0-0\n" * 61, encoding="utf-8")
    return directory


def leaves(section: type[Section], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """All options of a section and of its subsections."""
    for name, field in section.model_fields.items():
        inner, key = field.annotation, f"{path}{name}"
        if isinstance(inner, type) and issubclass(inner, Section):
            yield from leaves(inner, f"{key}.")
        elif key != "model":
            yield key, field


def options(kind: str) -> dict[str, FieldInfo]:
    model = RNNConfig if kind == "rnn" else TransformerConfig
    return dict([*leaves(Config), *leaves(model, "model.")])


def value_at(config: Config, key: str) -> object:
    value: object = config
    for part in key.split("."):
        value = getattr(value, part)
    return value


def other_values(key: str, field: FieldInfo, now: object) -> list[object]:
    """Valid values that differ from that of a preset."""
    choices = [choice for part in (field.annotation, *get_args(field.annotation)) if get_origin(part) is Literal
               for choice in get_args(part)]  # fmt: skip
    if choices:
        return [choice for choice in choices if choice not in (now, RESOLVED.get(key))]
    if isinstance(now, bool):
        return [not now]
    if key in STRINGS:
        return [value for value in STRINGS[key] if value != now]
    if key in NUMBERS:
        return [value for value in NUMBERS[key] if value != now]
    limits = bounds(field)
    if isinstance(now, int):
        return [max(2 if now != 2 else 3, now // 2) if now > 1 else now + 1]
    assert isinstance(now, float), f"{key}: add values to NUMBERS or STRINGS"
    return [now / 2 if now else min(0.5, limits.get("le", 0.5))]


def start(preset: str) -> list[str]:
    return [*SMALL, *SIZES[load_config(preset=preset).model.kind]]


def cases() -> list[tuple[str, str, object]]:
    """All cases: preset, key and value."""
    every_case = []
    for preset in preset_names():
        config, _ = apply_rules(load_config(preset=preset, overrides=start(preset)), NUM_PAIRS)
        for key, field in options(config.model.kind).items():
            every_case += [(preset, key, value) for value in other_values(key, field, value_at(config, key))]
    return every_case


def sample(every_case: list[tuple[str, str, object]]) -> list[tuple[str, str, object]]:
    """The cases of this run: all, or a random sample."""
    return every_case if ALL else random.Random(7).sample(every_case, len(every_case) // SHARE)


def case(preset: str, key: str, value: object) -> Case:
    chosen = str(value) if key == "preset" else preset
    return chosen, start(chosen), [] if key == "preset" else [f"{key}={write_value(value)}"]


def test_every_option_changes_the_model_or_the_training_or_is_refused(text: Path) -> None:
    chosen = sample(cases())
    faults: list[tuple[tuple[str, str, object], str]] = []
    for seed in SEEDS:
        presets = sorted({preset for preset, _, _ in chosen})
        seeded = [f"train.seed={seed}"]
        tries = [*((preset, start(preset), []) for preset in presets), *(case(*option) for option in chosen)]
        results = tried([(preset, [*below, *seeded], own) for preset, below, own in tries], text)
        assert [result["error"] for result in results[: len(presets)]] == [None] * len(presets)
        without = {preset: result["marks"] for preset, result in zip(presets, results, strict=False)}
        faults = [
            (option, result["error"] or "changed nothing")
            for option, result in zip(chosen, results[len(presets) :], strict=True)
            if not result["refused"] and (result["error"] or result["marks"] == without[option[0]])
        ]
        chosen = [option for option, _ in faults]
        if not chosen:
            return
    assert faults == []


ABSURD = ["0", "-1", "1e-9", "1e30", "nan", "inf", str(10**20), "true", "'7'", "9223372036854775808", "-0.0"]
NEEDS = {
    "model.attention.size": ["model.attention.score=additive"],
    "model.attention.max_source": ["model.attention.score=location"],
    "model.attention.window_size": ["model.attention.window=local-m"],
    "model.attention.location_reach": ["model.attention.location_filters=2"],
    "model.max_positions": ["model.position=learned", "data.max_len=20"],
    "train.guided_weight": ["train.guided_file=links"],
    "train.terms": ["train.guided_file=links"],
    "train.lora_alpha": ["train.lora_rank=2"],
    "train.guided_layer": ["train.guided_file=links", "train.guided_weight=1"],
    "train.guided_head": ["train.guided_file=links", "train.guided_weight=1"],
}
"""Other options that an option needs to have an effect."""


def numeric(kind: str) -> dict[str, FieldInfo]:
    return {key: field for key, field in options(kind).items() if bounds(field)}


@pytest.mark.parametrize("kind", ["rnn", "transformer"])
def test_every_number_has_a_lower_and_an_upper_bound(kind: str) -> None:
    limits = {key: set(bounds(field)) for key, field in numeric(kind).items()}
    assert [key for key, names in limits.items() if len(names) != 2] == []
    config = Config.model_validate({"model": {"kind": kind}})
    plain = [key for key in options(kind) if isinstance(value_at(config, key), (int, float)) and key not in limits]
    assert [key for key in plain if not isinstance(value_at(config, key), bool)] == []


def accepted() -> Iterator[tuple[Case, str]]:
    """Absurd values within their ranges; asserts that the others are refused with a message."""
    for preset in ("luong-general", "transformer-tiny"):
        for key in numeric(load_config(preset=preset).model.kind):
            for absurd in ABSURD:
                needs = [] if absurd in ("0", "-0.0") else NEEDS.get(key, [])
                own = [*needs, f"{key}={absurd}" if key != "train.betas" else f"{key}=[{absurd}, 0.9]"]
                try:
                    load_config(preset=preset, overrides=start(preset), variant=own)
                except ConfigError as error:
                    assert str(error).startswith(f"--set {own[-1]}: "), error
                    assert any(phrase in str(error) for phrase in (" but ", " must be at most ", " has no effect")), (
                        error
                    )
                else:
                    yield (preset, start(preset), own), absurd


def test_absurd_numbers_are_refused_or_train_quickly(text: Path) -> None:
    chosen = [absurd_case for absurd_case, _ in accepted()]
    assert len(chosen) > 40
    if not ALL:
        chosen = random.Random(8).sample(chosen, 20)
    faults = []
    for (preset, _, own), result in zip(chosen, tried(chosen, text), strict=True):
        if (result["error"] and not result["refused"]) or result["seconds"] > 2 or result["megabytes"] > 1000:
            faults.append((preset, own, result["error"], result["seconds"], result["megabytes"]))
    assert faults == []
