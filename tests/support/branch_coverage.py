"""Plugin for pytest that measures with SlipCover which lines and branches of `src` the tests execute.

It writes the report that the environment variable `REGARD_COVERAGE` names, and does nothing without it. Unlike
`python -m slipcover -m pytest`, it does not instrument all of `src` again in the process that starts the test
processes, and it removes probes in few, large steps. Settings are in `pyproject.toml`, in the table `tool.slipcover`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
THRESHOLD = 2000
"""Executions of a probe before Python 3.12 until all executed probes are removed, which takes about 60 ms."""


class BranchCoverage:
    """Measures this process, or merges the reports of all test processes.

    Args:
        report: Path of the report.
        worker: Name of this test process; None in the process that starts the others.
    """

    def __init__(self, report: Path, worker: str | None) -> None:
        import slipcover

        self.report, self.worker = report.absolute(), worker
        settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["slipcover"]
        sources = [str(ROOT / source) for source in settings["source"]]
        self._slipcover = slipcover.Slipcover(
            branch=settings["branch"],
            d_miss_threshold=THRESHOLD,
            source=sources,
            exclude_also=settings["exclude-also"],
        )
        self._imports = slipcover.ImportManager(self._slipcover, slipcover.FileMatcher(sources=sources))

    def start(self) -> None:
        """Instruments modules that are imported from now on."""
        self._imports.__enter__()

    def measured(self) -> dict[str, Any]:
        """The report of this process.

        Raises:
            RuntimeError: A module was imported that is not measured.
        """
        loaded = [(name, getattr(module, "__loader__", None)) for name, module in [*sys.modules.items()]]
        missed = [name for name, loader in loaded if getattr(loader, "sci", self._slipcover) is not self._slipcover]
        if missed:
            raise RuntimeError(f"not measured, since something else measures them: {', '.join(missed)}")
        report: dict[str, Any] = self._slipcover.get_coverage()
        return report

    def merged(self) -> dict[str, Any]:
        """The report of all other test processes.

        Raises:
            RuntimeError: None has written a report.
        """
        import slipcover

        parts = [json.loads(path.read_text(encoding="utf-8")) for path in self._parts()]
        if not parts:
            raise RuntimeError(f"no test process has written its report, {self.report}.gw...")
        return reduce(slipcover.merge_coverage, parts)

    def remove_parts(self) -> None:
        """Removes the reports of single test processes."""
        for path in self._parts():
            path.unlink()

    def _parts(self) -> list[Path]:
        return sorted(self.report.parent.glob(f"{self.report.name}.gw*"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        if self.worker:
            self._imports.__exit__(None, None, None)
            path = self.report.with_name(f"{self.report.name}.{self.worker}")
            path.write_text(json.dumps(self.measured()), encoding="utf-8")
            yield  # tells the process that merges the reports that this one has finished
            return
        yield
        self._imports.__exit__(None, None, None)
        with_workers = session.config.getoption("numprocesses", None)
        self.report.write_text(json.dumps(self.merged() if with_workers else self.measured()), encoding="utf-8")
        self.remove_parts()


def branch_coverage() -> BranchCoverage | None:
    """Starts to measure the modules that are imported from now on.

    Not done by the import of this module: looking for examples in docstrings, pytest imports it under another name,
    too, and of two that measure, the last would take all further modules.

    Returns:
        What is to be registered as a plugin; None if `REGARD_COVERAGE` names no report.
    """
    report = os.environ.get("REGARD_COVERAGE")
    if not report:
        return None
    coverage = BranchCoverage(Path(report), os.environ.get("PYTEST_XDIST_WORKER"))
    if coverage.worker is None:
        coverage.remove_parts()  # of a run that was interrupted
    coverage.start()
    return coverage
