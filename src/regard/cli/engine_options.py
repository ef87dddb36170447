"""Options that say on which device and in which number type a model runs, and the translator loaded with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from regard.cli.loading import loading
from regard.cli.options import Device, Precision, Table, Threads, use_threads

if TYPE_CHECKING:
    from regard.translation.translator import Translator


@dataclass(frozen=True)
class EngineOptions:
    """Options to load a model: device, threads, number type, and shortlist of target subwords per source subword."""

    device: Device = "auto"
    threads: Threads = None
    precision: Precision = None
    shortlist: Table = None


DEFAULT_ENGINE = EngineOptions()
"""A GPU if there is one, the number type of the model, and no shortlist."""


def load_translator(models: Sequence[Path], options: EngineOptions) -> Translator:
    """Loads a trained model, an ensemble, or a model that was exported for another engine.

    Args:
        models: Directories of the models; several form an ensemble.
        options: Device, threads, number type and shortlist.

    Returns:
        The translator. If a shortlist is given, it generates only the target subwords that the shortlist allows.
    """
    with loading():
        from regard.translation.loading import load

    use_threads(options.threads)
    translator = load(models, precision=options.precision, device=options.device, threads=options.threads)
    if options.shortlist is None:
        return translator
    from regard.translation.shortlist import read_shortlist, shortlisted

    return shortlisted(translator, read_shortlist(options.shortlist, translator))
