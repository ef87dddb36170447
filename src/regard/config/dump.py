"""A configuration written as TOML, such that reading it gives the same configuration."""

from __future__ import annotations

from regard.config.schema import ADDED_LATER, Config, Section
from regard.config.toml_text import write_key, write_value


def dump_config(config: Config) -> str:
    """Writes a configuration as a TOML document.

    What is None is left out: TOML has no such value, and None is the default wherever it is allowed. So are options
    that came later, where they have their default: what stood without them once, stands so still.

    Args:
        config: The configuration.

    Returns:
        TOML that `regard.config.load.parse_config` reads back unchanged.

    >>> from regard.config.schema import Config, DataConfig
    >>> print(dump_config(Config(data=DataConfig(src="train.en")))[:39])
    [data]
    src = "train.en"
    max_len = 256
    """
    return "\n".join(_tables(config, "")).lstrip("\n") + "\n"


def _tables(section: Section, name: str) -> list[str]:
    """Lines of a section: its own values first, as TOML demands, then its sections."""
    values = [
        (key, value)
        for key, field in type(section).model_fields.items()
        if (value := getattr(section, key)) != field.default or ADDED_LATER not in field.metadata
    ]
    lines = [f"{write_key(key)} = {write_value(value)}" for key, value in values if _is_plain(value)]
    if lines and name:
        lines = ["", f"[{name}]", *lines]
    for key, value in values:
        if isinstance(value, Section):
            lines += _tables(value, f"{name}.{key}" if name else key)
    return lines


def _is_plain(value: object) -> bool:
    return value is not None and not isinstance(value, Section)
