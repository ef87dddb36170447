"""Notebooks as pages of code blocks, to be run without Jupyter.

Lines that begin with `!` are commands, in which `{name}` is the value of a Python variable. The cell tagged
`parameters` sets variables that a test gives other values, as papermill does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from house_rules.blocks import Block, Page


def run_notebook(path: Path, page: Page, parameters: Mapping[str, object], arguments: str) -> None:
    """Runs the code cells of a notebook in order.

    Args:
        path: The notebook.
        page: Directory and Python namespace of the cells.
        parameters: Values of the variables of the cell tagged `parameters`.
        arguments: Arguments appended to `regard train` commands.

    Raises:
        BlockError: A cell fails.
        ValueError: `parameters` names other variables than the cell tagged `parameters`.
    """
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for number, cell in enumerate(cells, start=1):
        if cell["cell_type"] != "code":
            continue
        _run_cell(f"{path.name}, cell {number}", "".join(cell["source"]), page, arguments)
        if "parameters" in cell["metadata"].get("tags", ()):
            if unknown := parameters.keys() ^ set(re.findall(r"^(\w+) =", "".join(cell["source"]), re.MULTILINE)):
                raise ValueError(f"{path.name}: expected values of its parameters, differing: {', '.join(unknown)}")
            page.names.update(parameters)


def _run_cell(location: str, source: str, page: Page, arguments: str) -> None:
    for is_command, lines in _runs_of_lines(source):
        if is_command:
            for line in lines:
                command = re.sub(r"\{(\w+)\}", lambda name: str(page.names[name[1]]), line.removeprefix("!"))
                page.run(Block(location, "console", "", f"$ {command}\n", arguments=arguments))
        elif "".join(lines).strip():
            page.run(Block(location, "python", "", "\n".join(lines)))


def _runs_of_lines(source: str) -> list[tuple[bool, list[str]]]:
    """Lines that are commands and lines that are Python, in turns."""
    runs: list[tuple[bool, list[str]]] = []
    for line in source.splitlines():
        is_command = line.startswith("!")
        if not runs or runs[-1][0] != is_command:
            runs.append((is_command, []))
        runs[-1][1].append(line)
    return runs
