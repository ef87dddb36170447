"""Presets: commented TOML files in the directory `presets`, one per preset."""

from __future__ import annotations

from pathlib import Path

from regard.config.did_you_mean import did_you_mean
from regard.errors import ConfigError

_DIRECTORY = Path(__file__).with_name("presets")


def preset_names() -> tuple[str, ...]:
    """Sorted names of all presets.

    >>> "bahdanau" in preset_names()
    True
    """
    return tuple(sorted(file.stem for file in _DIRECTORY.glob("*.toml")))


def preset_text(name: str) -> str:
    """Reads the TOML text of a preset, with its comments.

    Args:
        name: One of `preset_names()`.

    Returns:
        TOML document that sets some of the options of `regard.config.schema.Config`.

    Raises:
        ConfigError: There is no such preset.
    """
    if name not in preset_names():
        raise ConfigError(f"unknown preset {name!r}{did_you_mean(name, preset_names())}")
    return (_DIRECTORY / f"{name}.toml").read_text(encoding="utf-8")
