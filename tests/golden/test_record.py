"""Models that earlier versions stored: today's code gives the recorded texts, links and scores.

`make.py` explains how models and record were made, and when they may be made again.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from replay import Case

HERE = Path(__file__).parent
ENTRIES: list[dict[str, Any]] = json.loads((HERE / "record.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["case"]["name"].replace(" ", "-"))
def test_commands_print_what_was_recorded(
    entry: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(**entry["case"])
    missing = [name for name in case.needs if find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: pip install 'regard[interop]'")
    monkeypatch.chdir(HERE)
    found = case.differences(entry, case.play(tmp_path))
    assert not found, "\n".join([f"{case.name}: differs from the record", *found])
