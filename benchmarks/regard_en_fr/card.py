"""Writes the model card, the README of the package, from what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sources import SOURCES

TEMPLATE = Path(__file__).with_name("card.md")
NAMES = {
    "tatoeba-en-fr/val": "Tatoeba, held out",
    "flores200/dev": "FLORES-200 dev",
    "europarl-sample-en-fr/newstest2012": "newstest2012",
}


def write_card(path: Path, counts: Mapping[str, Mapping[str, int]], measured: Mapping[str, Any]) -> None:
    """Fills in the template.

    Args:
        path: File to write.
        counts: Selected and used sentence pairs by source.
        measured: Results of `measure.measure`.
    """
    parts = {
        "{data}": _data(counts),
        "{scores}": _scores(measured["tests"]),
        "{speed}": _speed(measured),
        "{faults}": _faults(measured["faults"]),
        "{size}": f"{measured['bytes'] / 1e6:.1f} MB",
        "{parameters}": f"{measured['parameters'] / 1e6:.1f} million",
        "{pairs}": f"{sum(count['used'] for count in counts.values()):,}",
        "{minutes}": f"{measured['details'].get('minutes', 0):.0f}",
        "{signature}": str(measured["signature"]),
        "{versions}": ", ".join(f"{name} {version}" for name, version in measured["versions"].items()),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in parts.items():
        text = text.replace(name, value)
    path.write_text(text, encoding="utf-8")


def _data(counts: Mapping[str, Mapping[str, int]]) -> str:
    rows = [
        (f"[{source.title}]({source.address})", f"{counts[name]['used']:,}", source.license, source.authors)
        for name, source in SOURCES.items()
    ]
    return _table(("text", "pairs used", "license", "by"), rows)


def _scores(tests: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for name, test in tests.items():
        for system, score in test["scores"].items():
            values = (f"{value:.1f} ± {half:.1f}" for value, half in (score["BLEU"], score["chrF"]))
            rows.append((f"{NAMES[name]} ({test['sentences']:,})", system, *values))
    return _table(("text (sentences)", "translation", "BLEU", "chrF"), rows)


def _speed(measured: Mapping[str, Any]) -> str:
    speed = measured["speed"]
    if speed is None:
        return "Not measured."
    rows = [(name, f"{value:g}") for name, value in speed.items() if name != "first translation"]
    first = f"The first sentence is translated {speed['first translation']:.1f} s after the command starts."
    return f"{_table(('search', 'sentences per second'), rows)}\n\n{first}"


def _faults(faults: list[Mapping[str, str]]) -> str:
    rows = [(fault["kind"], fault["source"], fault["translation"]) for fault in faults]
    return _table(("what", "source", "translation"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '∣') for cell in line)} |" for line in lines)
