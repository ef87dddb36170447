"""Whether a configuration describes the training that is saved in a directory."""

from __future__ import annotations

from pathlib import Path

from regard.config.resume import CHANGEABLE, MOVABLE
from regard.config.schema import Config
from regard.errors import ConfigError
from regard.recipes.saved_config import load_config
from regard.store.training_directory import TrainingDirectory


def check_same_training(given: Config, out: Path) -> None:
    """Refuses options that would change a saved training; does nothing if none is saved.

    Args:
        given: Configuration as the user gave it. Only options that it sets are compared.
        out: Directory of the model.

    Raises:
        ConfigError: An option differs from the saved training, and may not change when a training resumes.
    """
    path = TrainingDirectory(out).saved_path()
    if path is None:
        return
    saved = _options(load_config(path).model_dump())
    changed = [
        f"{key} = {value!r}" + (f" (it is {saved[key]!r})" if key in saved else "")
        for key, value in _options(given.model_dump(exclude_unset=True)).items()
        if key not in (*CHANGEABLE, *MOVABLE) and value not in (None, "auto", saved.get(key))
    ]
    if changed:
        raise ConfigError(
            f"{out}: a training that resumes keeps its configuration, but {', '.join(changed)} would change it: leave "
            f"out these options (only {', '.join(CHANGEABLE)} and the paths of its texts may change), or start a new "
            "training in another directory"
        )


def _options(tree: dict[str, object], prefix: str = "") -> dict[str, object]:
    """Values of all options by dotted key."""
    options: dict[str, object] = {}
    for key, value in tree.items():
        options |= _options(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return options
