"""Models that are installed as packages and have names, such as `en-fr` of the package regard-en-fr.

A package with a model declares an entry point of the group `regard.models`: its name is the name of the model, and its
value is the package's name for import. The model is the directory `model` in the package. No code of the package is
run: a model is data, and its files are checked like those of any other model.
"""

from __future__ import annotations

import os
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

GROUP = "regard.models"
"""Group of the entry points that name models."""
FOLDER = "model"
"""Directory of the model within its package."""
KNOWN = ("en-fr",)
"""Names of models that `pip install 'regard[NAME]'` installs."""


def installed_models() -> dict[str, Path]:
    """Finds the models that are installed as packages.

    Returns:
        Directory of each model by name, sorted by name. Packages without a model directory are left out.
    """
    found: dict[str, Path] = {}
    for entry in entry_points(group=GROUP):
        directory = _directory(entry.value)
        if directory is not None:
            found.setdefault(entry.name, directory)
    return dict(sorted(found.items()))


def find_model(path: str | os.PathLike[str]) -> Path:
    """Finds the directory of a model that is given by its path or by the name of an installed model.

    Args:
        path: Path or name. A file or directory of that path takes precedence.

    Returns:
        Directory of the installed model if `path` is its name and no such file exists, else `path` itself.
    """
    if is_name(path) and not os.path.lexists(path):
        return installed_models().get(os.fspath(path), Path(path))
    return Path(path)


def is_name(path: str | os.PathLike[str]) -> bool:
    """Whether a path could be the name of an installed model: it is a file name without a directory."""
    text = os.fspath(path)
    return text == Path(text).name != ""


def name_hint() -> str:
    """Lists the installed models, or says how to install one, for messages about an unknown model name."""
    names = ", ".join(installed_models())
    installable = " or ".join(f"pip install 'regard[{name}]'" for name in KNOWN)
    return f"the name of an installed model ({names or f'none is installed; {installable} installs one'})"


def _directory(package: str) -> Path | None:
    if not package.isidentifier():  # a name with dots would import, and thus run, the package around it
        return None
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):  # a module in sys.modules without a specification
        return None
    places = [] if spec is None else list(spec.submodule_search_locations or [])
    directories = [Path(place, FOLDER) for place in places]
    return next((directory for directory in directories if directory.is_dir()), None)
