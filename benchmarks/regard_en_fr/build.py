"""Makes the model of `packages/regard-en-fr`: `python build.py DATA OUT`, with `regard[align,data]` installed.

It selects the freely licensed text, cleans it, trains, packs the model in 8 bits into the package, measures it, and
writes the card. What an interrupted run has finished is not done again.

DATA is a directory with parallel text, one sentence per line:

- `mix-en-fr/train.en`, `.fr` and `.origin`: the text to choose from, and the source of each line, of `sources.py`
- `tatoeba-en-fr/val.en` and `.fr`: validates and tests; leaves no trace in the training text
- `flores200/dev.en` and `.fr`, `europarl-sample-en-fr/newstest2012.en` and `.fr`: test

OUT receives everything but the packed model and the card.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from card import write_card
from measure import SYSTEMS, TESTS, measure
from sources import SOURCES

from regard.config.schema import Config
from regard.interop.own_format import export_regard
from regard.store import load_model
from regard.store.model import open_model

RECIPE = Path(__file__).resolve().parent
PACKAGE = RECIPE.parents[1] / "packages" / "regard-en-fr"
MODEL = PACKAGE / "src" / "regard_en_fr" / "model"
LARGEST = 12_000_000
"""Largest size of the packed model in bytes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="option of the training")
    parser.add_argument("--limit", type=int, help="sentences of each test text, for a first look; all by default")
    parser.add_argument("--model", type=Path, help="pack and measure this model instead of training one")
    options = parser.parse_args()
    data, out = options.data.resolve(), options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    select(data, out)
    clean(data, out)
    trained = options.model or train(data, out, options.set)
    pack(trained, MODEL)
    measured = _measured(data, out, options.limit)
    counts = json.loads((out / "counts.json").read_text(encoding="utf-8"))
    write_card(PACKAGE / "README.md", counts, measured)


def select(data: Path, out: Path) -> None:
    """Writes the pairs whose source is one of `SOURCES` to `free.en`, `free.fr` and `free.origin`.

    Args:
        data: Directory of the texts.
        out: Directory to write to.
    """
    if (out / "free.origin").exists():
        return
    codes = ("en", "fr", "origin")
    rows = zip(*(_lines(data / "mix-en-fr" / f"train.{code}") for code in codes), strict=True)
    free = [row for row in rows if row[2] in SOURCES]
    for number, code in enumerate(codes):  # the origins last: they mark the step as done
        pending = out / f"free.{code}.new"
        pending.write_text("".join(f"{row[number]}\n" for row in free), encoding="utf-8")
        pending.replace(out / f"free.{code}")


def clean(data: Path, out: Path) -> None:
    """Cleans the text, without sentences of the test texts, and counts what is left of each source.

    Args:
        data: Directory of the texts.
        out: Directory with the selected text, to write `clean.tsv` and `counts.json` to.
    """
    if not (out / "clean.tsv").exists():
        tests = [part for name in TESTS for part in ("--test-set", f"{data / name}.en,{data / name}.fr")]
        _regard(out, "data", "clean", "free.en", "free.fr", "--langs", "en-fr", "--out", "clean.tsv", *tests)
    origins = _lines(out / "free.origin")
    dropped = [int(line.split("\t")[1]) for line in _lines(out / "clean.tsv.rejects.tsv")[1:]]
    selected, rejected = Counter(origins), Counter(origins[number - 1] for number in dropped)
    counts = {name: {"selected": selected[name], "used": selected[name] - rejected[name]} for name in SOURCES}
    (out / "counts.json").write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")


def train(data: Path, out: Path, settings: list[str]) -> Path:
    """Trains the model, or resumes an interrupted training.

    Args:
        data: Directory of the texts.
        out: Directory with the clean text.
        settings: Options that differ from `box.toml`, `KEY=VALUE`.

    Returns:
        Directory of the model.
    """
    model = out / "en-fr"
    if (model / "manifest.json").exists():
        return model
    files = [f"data.src={out / 'clean.tsv'}", *(f"data.val_{side}={data / TESTS[0]}.{code}" for side, code in _SIDES)]
    if (model / "training" / "state.safetensors").exists():
        _regard(out, "train", "--resume", "--out", "en-fr", *_settings(settings))
    else:
        _regard(out, "train", str(RECIPE / "box.toml"), "--out", "en-fr", *_settings([*files, *settings]))
    return model


def pack(trained: Path, packed: Path) -> None:
    """Writes the model in 8 bits, without the paths of the machine that it was trained on.

    Args:
        trained: Directory of the trained model.
        packed: Directory to write to; an older model there is replaced.

    Raises:
        SystemExit: The packed model is too large.
    """
    stored = load_model(trained)
    config = _without_paths(stored.config)
    shutil.rmtree(packed, ignore_errors=True)
    export_regard(replace(stored, config=config), packed)
    size = sum(file.stat().st_size for file in packed.iterdir())
    print(f"{packed}: {size:,} bytes", file=sys.stderr)
    if size > LARGEST:
        raise SystemExit(f"{packed}: expected at most {LARGEST:,} bytes, got {size:,}")


_SIDES = (("src", "en"), ("tgt", "fr"))


def _without_paths(config: Config) -> Config:
    names = {"src": "clean.tsv", "tgt": None, "val_src": "val.en", "val_tgt": "val.fr"}
    links = config.train.guided_file
    train = config.train.model_copy(update={"guided_file": "eflomal" if links else None, "parent": None})
    return config.model_copy(update={"data": config.data.model_copy(update=names), "train": train})


def _measured(data: Path, out: Path, limit: int | None) -> dict[str, object]:
    """Results of this very model, measured now or before."""
    path = out / "measured.json"
    if path.exists():
        before: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
        if before["signature"] == open_model(MODEL).manifest.signature and before["limit"] == limit:
            return before
    measured = measure(MODEL, data, out, systems=list(SYSTEMS), limit=limit, with_speed=True)
    text = json.dumps({**measured, "limit": limit}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    result: dict[str, object] = json.loads(text)
    return result


def _settings(settings: list[str]) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


def _regard(directory: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "regard", *arguments], cwd=directory, check=True)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


if __name__ == "__main__":
    main()
