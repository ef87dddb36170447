"""Refuses to build the package without its model, which git may have left out; all else is in pyproject.toml."""

from pathlib import Path

from setuptools import setup

FILES = ("config.toml", "manifest.json", "subword.model", "weights.safetensors")
MODEL = Path(__file__).resolve().parent / "src" / "regard_en_fr" / "model"
missing = [name for name in FILES if not (MODEL / name).is_file()]
if missing:
    raise SystemExit(
        f"regard-en-fr: {MODEL} lacks {', '.join(missing)}: the package contains a model, without which it is of no "
        "use; run benchmarks/regard_en_fr/build.py, or take a checkout that has the model"
    )

setup()
