"""Packages that only some users need."""

from __future__ import annotations

from importlib.util import find_spec

from regard.errors import ConfigError


def require_package(package: str, *, to: str, extra: str = "interop") -> None:
    """Makes sure that an optional package is there.

    Args:
        package: Its name, as it is imported and installed.
        to: What it is needed for, as an infinitive.
        extra: The extra of ours that installs it.

    Raises:
        ConfigError: It is not installed; the message says how to install it.
    """
    if find_spec(package) is None:
        raise ConfigError(f"to {to}, the package {package} is needed: pip install 'regard[{extra}]'")
