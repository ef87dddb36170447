"""Fails if branch coverage is too low: `python tests/house/branches.py coverage.json 95`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

NUM_FILES = 20
"""Number of files that are listed, those with the most branches that were not taken."""


def main(report: str, minimum: str) -> int:
    """Prints the files with the most branches that no test takes, and the percentage of branches taken.

    Args:
        report: Path of the JSON report of SlipCover.
        minimum: Minimum percentage.

    Returns:
        Exit status: 0 if the percentage is high enough, 1 if not.
    """
    tree = json.loads(Path(report).read_text(encoding="utf-8"))
    missing = {name: file["summary"]["missing_branches"] for name, file in tree["files"].items()}
    for name in sorted(missing, key=lambda name: -missing[name])[:NUM_FILES]:
        if missing[name]:
            lines = sorted({line for line, _ in tree["files"][name]["missing_branches"]})
            print(f"{missing[name]:5} branches not taken in {name}, lines {', '.join(map(str, lines))}")
    taken = tree["summary"]["covered_branches"]
    total = taken + tree["summary"]["missing_branches"]
    percentage = 100.0 * taken / total if total else 100.0
    print(f"branches taken: {taken} of {total} ({percentage:.1f} %), required: {float(minimum):.1f} %")
    return 0 if percentage >= float(minimum) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
