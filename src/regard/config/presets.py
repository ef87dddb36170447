"""The named starting points: commented TOML files beside this module, one a preset."""

from __future__ import annotations

from pathlib import Path

from regard.config.did_you_mean import did_you_mean
from regard.errors import ConfigError

_FOLDER = Path(__file__).with_name("presets")


def preset_names() -> tuple[str, ...]:
    """Names of all presets, sorted.

    >>> "bahdanau" in preset_names()
    True
    """
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.toml")))


def preset_text(name: str) -> str:
    """The TOML text of a preset, with its comments.

    Args:
        name: One of `preset_names()`.

    Returns:
        TOML that sets some of the options of `regard.config.schema.Config`.

    Raises:
        ConfigError: There is no such preset.
    """
    if name not in preset_names():
        raise ConfigError(f"unknown preset {name!r}{did_you_mean(name, preset_names())}")
    return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")
