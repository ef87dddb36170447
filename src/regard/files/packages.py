"""Checks that optional packages are installed."""

from __future__ import annotations

from importlib.util import find_spec

from regard.errors import ConfigError


def require_package(package: str, *, to: str, extra: str = "interop") -> None:
    """Checks that an optional package is installed.

    Args:
        package: Name of the package for import, such as `pyarrow` or `backports.zstd`.
        to: Purpose of the package for the message, an infinitive without `to`, such as `align words with eflomal`.
        extra: Extra of regard that installs the package.

    Raises:
        ConfigError: The package is not installed; the message says how to install it.
    """
    if not _is_installed(package):
        raise ConfigError(f"to {to}, the package {package} is needed: pip install 'regard[{extra}]'")


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # the parent package is not installed
        return False
