"""Does regard work correctly on a GPU, and how close is it to the speed of the card?

    python benchmarks/gpu_check.py [--wheels DIR] [--json runs/gpu-check.json] [--minutes 6]

The checks are the functions in `gpu_checks.py`. This script runs all of them, even if some fail, prints their results
and writes them to a JSON file. It needs PyTorch and regard's other dependencies: from the environment, or as wheels in
a directory, which are unpacked temporarily. Without a GPU the checks run with small sizes where possible, which shows
only that the program runs. The exit status is 1 if a check failed, and 2 if packages are missing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypedDict

from gpu_bench import CheckResult, Setup, Skipped

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ("numpy", "sentencepiece", "sacrebleu", "safetensors", "pydantic", "typer", "rich")
PREPARE = (
    "pip download -d wheels --only-binary=:all: --python-version {python} --platform manylinux_2_28_x86_64 "
    "--platform manylinux2014_x86_64 -c constraints.txt {packages}"
)
FORMAT = 1
"""Format version of the JSON file."""


def provide(wheels: Path | None, directory: Path) -> None:
    """Adds regard and its dependencies to the import path of this process and its children.

    Args:
        wheels: Directory of wheels; None if there is none.
        directory: Directory to unpack them into.

    Raises:
        SystemExit: Packages are missing.
    """
    for wheel in sorted(wheels.glob("*.whl")) if wheels else ():
        zipfile.ZipFile(wheel).extractall(directory)
    try:
        version("regard")
    except PackageNotFoundError:  # stored models contain the version of regard
        match = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
        number = match[1] if match else "0"
        metadata = directory / f"regard-{number}.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: regard\nVersion: {number}\n")
    paths = [str(ROOT / "src"), str(directory)]
    sys.path[:0] = paths
    os.environ["PYTHONPATH"] = os.pathsep.join([*paths, *filter(None, [os.environ.get("PYTHONPATH")])])
    missing = [name for name in NEEDED if find_spec(name) is None]
    if find_spec("torch") is None:
        sys.exit(_error("PyTorch is not installed in this Python: name another: make gpu-check PYTHON=/path/to/python"))
    if missing:
        python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        command = PREPARE.format(python=python, packages=" ".join(NEEDED))
        sys.exit(
            _error(
                f"missing in this Python {python}: {', '.join(missing)}. Install them, or, if this machine has no "
                "network, download wheels on another one (add transformers to compare with Marian) with\n\n    "
                f"{command}\n\ncopy them here, and run: make gpu-check WHEELS=wheels"
            )
        )


def _error(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


def machine() -> tuple[dict[str, object], dict[str, str | None]]:
    """Facts about the machine, and versions of the software."""
    import torch

    facts: dict[str, object] = {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    versions: dict[str, str | None] = {"python": platform.python_version(), "cuda": torch.version.cuda, "cudnn": None}
    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        facts |= {"gpu": card.name, "gigabytes": round(card.total_memory / 1e9, 1)}
        facts |= {"capability": f"{card.major}.{card.minor}", "multiprocessors": card.multi_processor_count}
        versions["cudnn"] = str(torch.backends.cudnn.version())
    for package in ("torch", "triton", "regard", "transformers", *NEEDED):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return facts, versions


class Entry(TypedDict):
    """An entry of the report: the result of one check."""

    name: str
    question: str
    status: Literal["passed", "failed", "skipped"]
    seconds: float
    reasons: list[str]
    figures: dict[str, object]


def run_check(check: Callable[[Setup], CheckResult], setup: Setup) -> Entry:
    """Runs one check; returns its status (`passed`, `failed` or `skipped`), reasons and figures.

    Args:
        check: A check of `gpu_checks.CHECKS`.
        setup: Device and directory of the check.
    """
    start = time.perf_counter()
    figures: dict[str, object] = {}
    status: Literal["passed", "failed", "skipped"]
    try:
        result = check(setup)
        status, reasons, figures = "failed" if result.failures else "passed", result.failures, result.figures
    except Skipped as reason:
        status, reasons = "skipped", [str(reason)]
    except Exception as error:
        traceback.print_exc()
        status, reasons = "failed", [f"{type(error).__name__}: {error}"]
    seconds = round(time.perf_counter() - start, 2)
    return {
        "name": check.__name__, "question": (check.__doc__ or "").splitlines()[0], "status": status,
        "seconds": seconds, "reasons": reasons, "figures": figures,
    }  # fmt: skip


def run(checks: Sequence[tuple[Callable[[Setup], CheckResult], int]], setup: Setup, *, minutes: float) -> list[Entry]:
    """Runs all checks and prints their progress.

    Args:
        checks: Checks, each with its approximate seconds.
        setup: Device and directory of the checks.
        minutes: Time limit; a check that would begin later fails.
    """
    results = []
    end = time.perf_counter() + 60 * minutes
    for number, (check, seconds) in enumerate(checks, start=1):
        about = f" (about {seconds} s)" if setup.on_gpu else ""
        print(f"[{number}/{len(checks)}] {check.__name__}: {(check.__doc__ or '').splitlines()[0]}{about}", flush=True)
        if time.perf_counter() > end:
            result = run_check(_out_of_time, setup)
            result["name"] = check.__name__
        else:
            result = run_check(check, setup)
        results.append(result)
        print(f"      {result['status']} in {result['seconds']} s", flush=True)
        for reason in result["reasons"]:
            print(f"      ! {reason}", flush=True)
        for name, value in result["figures"].items():
            print(f"      {name:<34} {_shown(value)}", flush=True)
    return results


def _out_of_time(setup: Setup) -> CheckResult:
    """Is the check within the time limit?"""
    raise TimeoutError("the time was over before this check began: see --minutes")


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name} {_shown(inner)}" for name, inner in value.items())
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def main() -> int:
    """Runs the checks and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheels", type=Path, help="directory of wheels of missing packages")
    parser.add_argument("--json", type=Path, default=Path("runs/gpu-check.json"), help="file for the results")
    parser.add_argument("--minutes", type=float, default=6.0, help="time limit; no check begins later")
    options = parser.parse_args()
    begun = datetime.now(timezone.utc)
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as directory:
        provide(options.wheels, Path(directory, "packages"))
        import torch

        on_gpu = torch.cuda.is_available()
        if not on_gpu:
            os.environ["TRITON_INTERPRET"] = "1"  # before Triton is imported
        from gpu_checks import CHECKS

        facts, versions = machine()
        print(f"{facts.get('gpu', 'No GPU here: small sizes, on the CPU')}, PyTorch {versions['torch']}")
        print(f"Time limit: {options.minutes:g} minutes; results: {options.json}", flush=True)
        setup = Setup("cuda" if on_gpu else "cpu", Path(directory))
        results = run(CHECKS, setup, minutes=options.minutes)
    passed = not any(result["status"] == "failed" for result in results)
    report = {
        "format": FORMAT, "begun": begun.isoformat(), "on_gpu": on_gpu, "passed": passed,
        "seconds": round((datetime.now(timezone.utc) - begun).total_seconds(), 1),
        "machine": facts, "versions": versions, "checks": results,
    }  # fmt: skip
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    counts = {
        status: sum(result["status"] == status for result in results) for status in ("passed", "failed", "skipped")
    }
    print(", ".join(f"{count} {status}" for status, count in counts.items()) + f"; see {options.json}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
