"""What today's code makes of models that were stored by an earlier one: the same texts, links and scores as recorded.

`make.py` beside this file says how models and record came about, and when either may be made anew.
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
def test_a_command_prints_what_was_recorded(
    entry: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(**entry["case"])
    missing = [name for name in case.needs if find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: pip install 'regard[interop]'")
    monkeypatch.chdir(HERE)
    wrong = case.differences(entry, case.play(tmp_path))
    assert not wrong, "\n".join([f"{case.name}: not what was recorded", *wrong])
