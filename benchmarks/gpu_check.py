"""Does regard do on a GPU what it says, and how near does it come to what the card can do?

    python benchmarks/gpu_check.py [--wheels DIR] [--json runs/gpu-check.json] [--minutes 6]

What is checked stands in `gpu_checks.py`, one function each; this file runs them one after another, whatever becomes of
the others, prints what they find and writes it down. It needs PyTorch and, of other packages, what regard needs: from
the environment, or as wheels in a directory, which are unpacked for the time of the run. Without a GPU the same is done
in small, as far as it can be, which shows that the program runs and nothing else. The exit status is 1 where a check
failed, 2 where packages are missing.
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

from gpu_bench import Bench, Found, Skipped

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ("numpy", "sentencepiece", "sacrebleu", "safetensors", "pydantic", "typer", "rich")
PREPARE = (
    "pip download -d wheels --only-binary=:all: --python-version {python} --platform manylinux_2_28_x86_64 "
    "--platform manylinux2014_x86_64 -c constraints.txt {packages}"
)
FORMAT = 1
"""Of the JSON file."""


def provide(wheels: Path | None, place: Path) -> None:
    """Puts regard and what it needs on the path of this process and of those that it starts.

    Args:
        wheels: A directory of wheels, if any.
        place: Where they are unpacked.

    Raises:
        SystemExit: Packages are missing.
    """
    for wheel in sorted(wheels.glob("*.whl")) if wheels else ():
        zipfile.ZipFile(wheel).extractall(place)
    try:
        version("regard")
    except PackageNotFoundError:  # models are stored with the version that made them
        found = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
        known = place / f"regard-{found[1] if found else 0}.dist-info"
        known.mkdir(parents=True)
        (known / "METADATA").write_text(f"Metadata-Version: 2.1\nName: regard\nVersion: {found[1] if found else 0}\n")
    paths = [str(ROOT / "src"), str(place)]
    sys.path[:0] = paths
    os.environ["PYTHONPATH"] = os.pathsep.join([*paths, *filter(None, [os.environ.get("PYTHONPATH")])])
    missing = [name for name in NEEDED if find_spec(name) is None]
    if find_spec("torch") is None:
        sys.exit(_say("PyTorch is missing in this Python: name one that has it, make gpu-check PYTHON=/path/to/python"))
    if missing:
        python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        command = PREPARE.format(python=python, packages=" ".join(NEEDED))
        sys.exit(
            _say(
                f"missing in this Python {python}: {', '.join(missing)}. Install them, or, where nothing can be "
                f"downloaded, fetch wheels on another machine (add transformers to compare with Marian) by\n\n    "
                f"{command}\n\ncopy them here, and run: make gpu-check WHEELS=wheels"
            )
        )


def _say(complaint: str) -> int:
    print(complaint, file=sys.stderr)
    return 2


def machine() -> tuple[dict[str, object], dict[str, str | None]]:
    """The machine, and the versions of what runs on it."""
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


def made(check: Callable[[Bench], Found], bench: Bench) -> dict[str, object]:
    """One check, and what came of it: `passed`, `failed` or `skipped`, with figures and the reasons.

    Args:
        check: One of `gpu_checks.CHECKS`.
        bench: Where it runs.
    """
    begun = time.perf_counter()
    figures: dict[str, object] = {}
    try:
        found = check(bench)
        status, reasons, figures = "failed" if found.wrong else "passed", found.wrong, found.figures
    except Skipped as reason:
        status, reasons = "skipped", [str(reason)]
    except Exception as error:
        traceback.print_exc()
        status, reasons = "failed", [f"{type(error).__name__}: {error}"]
    seconds = round(time.perf_counter() - begun, 2)
    return {
        "name": check.__name__, "question": (check.__doc__ or "").splitlines()[0], "status": status,
        "seconds": seconds, "reasons": reasons, "figures": figures,
    }  # fmt: skip


def run(checks: Sequence[tuple[Callable[[Bench], Found], int]], bench: Bench, *, minutes: float) -> list[dict]:
    """All checks, told as they go.

    Args:
        checks: Each with the seconds that it takes, about.
        bench: Where they run.
        minutes: A check that would begin later fails.
    """
    results = []
    end = time.perf_counter() + 60 * minutes
    for number, (check, seconds) in enumerate(checks, start=1):
        about = f" (about {seconds} s)" if bench.on_gpu else ""
        print(f"[{number}/{len(checks)}] {check.__name__}: {(check.__doc__ or '').splitlines()[0]}{about}", flush=True)
        if time.perf_counter() > end:
            result = made(_out_of_time, bench) | {"name": check.__name__}
        else:
            result = made(check, bench)
        results.append(result)
        print(f"      {result['status']} in {result['seconds']} s", flush=True)
        for reason in result["reasons"]:
            print(f"      ! {reason}", flush=True)
        for name, value in result["figures"].items():
            print(f"      {name:<34} {_shown(value)}", flush=True)
    return results


def _out_of_time(bench: Bench) -> Found:
    """Was there time?"""
    raise TimeoutError("the minutes were over before it began: see --minutes")


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name} {_shown(one)}" for name, one in value.items())
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def main() -> int:
    """Prepares, checks, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheels", type=Path, help="directory of wheels of what is not installed")
    parser.add_argument("--json", type=Path, default=Path("runs/gpu-check.json"), help="what was found is written here")
    parser.add_argument("--minutes", type=float, default=6.0, help="no check begins later")
    options = parser.parse_args()
    begun = datetime.now(timezone.utc)
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as place:
        provide(options.wheels, Path(place, "packages"))
        import torch

        on_gpu = torch.cuda.is_available()
        if not on_gpu:
            os.environ["TRITON_INTERPRET"] = "1"  # before Triton is imported
        from gpu_checks import CHECKS

        facts, versions = machine()
        print(f"{facts.get('gpu', 'No GPU here: everything in small, on the CPU')}, PyTorch {versions['torch']}")
        print(f"At most {options.minutes:g} minutes; figures go to {options.json}", flush=True)
        bench = Bench("cuda" if on_gpu else "cpu", Path(place))
        results = run(CHECKS, bench, minutes=options.minutes)
    passed = not any(result["status"] == "failed" for result in results)
    report = {
        "format": FORMAT, "begun": begun.isoformat(), "on_gpu": on_gpu, "passed": passed,
        "seconds": round((datetime.now(timezone.utc) - begun).total_seconds(), 1),
        "machine": facts, "versions": versions, "checks": results,
    }  # fmt: skip
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    counts = {status: sum(one["status"] == status for one in results) for status in ("passed", "failed", "skipped")}
    print(", ".join(f"{count} {status}" for status, count in counts.items()) + f"; see {options.json}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
