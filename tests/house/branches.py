"""Fails if branch coverage is too low: `python tests/house/branches.py coverage.json 90`.

The threshold of coverage.py itself mixes lines with branches; this one counts branches only.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(report: str, minimum: str) -> int:
    """Prints the percentage of branches taken.

    Args:
        report: Path of the JSON report of coverage.py.
        minimum: Minimum percentage.

    Returns:
        Exit status: 0 if the percentage is high enough, 1 if not.
    """
    totals = json.loads(Path(report).read_text(encoding="utf-8"))["totals"]
    taken, total = totals["covered_branches"], totals["num_branches"]
    percentage = 100.0 * taken / total if total else 100.0
    print(f"branches taken: {taken} of {total} ({percentage:.1f} %), required: {float(minimum):.1f} %")
    return 0 if percentage >= float(minimum) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
