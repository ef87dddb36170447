"""Writes a configuration as TOML that reads back as the same configuration."""

from __future__ import annotations

from typing import TypeGuard

from regard.config.schema import ADDED_LATER, Config, Section
from regard.config.toml_text import write_key, write_value


def dump_config(config: Config) -> str:
    """Converts a configuration to the text of a TOML document.

    Options that are None are left out: TOML has no such value, and None is the default wherever it is allowed. Options
    marked `ADDED_LATER` are left out if they have their default, so that the text for a model of an older version of
    regard, and with it the file's hash, stays the same.

    Args:
        config: The configuration.

    Returns:
        TOML text, from which `regard.config.load.parse_config` reads an equal configuration.

    >>> from regard.config.schema import Config, DataConfig
    >>> print(dump_config(Config(data=DataConfig(src="train.en")))[:39])
    [data]
    src = "train.en"
    max_len = 256
    """
    return "\n".join(_tables(config, "")).lstrip("\n") + "\n"


def _tables(section: Section, name: str) -> list[str]:
    """Lines of a section: its own values first, as TOML requires, then its subsections."""
    values = [
        (key, value)
        for key, field in type(section).model_fields.items()
        if (value := getattr(section, key)) != field.default or ADDED_LATER not in field.metadata
    ]
    lines = [f"{write_key(key)} = {write_value(value)}" for key, value in values if _is_plain(value)]
    if lines and name:
        lines = ["", f"[{name}]", *lines]
    for key, value in values:
        path = f"{name}.{key}" if name else key
        if isinstance(value, Section):
            lines += _tables(value, path)
        for entry in value if _is_list_of_sections(value) else ():
            lines += ["", f"[[{path}]]", *_tables(entry, "")]
    return lines


def _is_plain(value: object) -> bool:
    return value is not None and not isinstance(value, Section) and not _is_list_of_sections(value)


def _is_list_of_sections(value: object) -> TypeGuard[tuple[Section, ...]]:
    return isinstance(value, tuple) and any(isinstance(entry, Section) for entry in value)
