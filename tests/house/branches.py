"""Fails unless enough of the branches were taken: `python tests/house/branches.py coverage.json 90`.

Coverage's own threshold mixes lines with branches; ours looks at branches alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(report: str, wanted: str) -> int:
    """Prints the share of branches taken.

    Args:
        report: Path of coverage's JSON report.
        wanted: Smallest share allowed, in percent.

    Returns:
        Exit status: 0 when the share is large enough, 1 when it is not.
    """
    totals = json.loads(Path(report).read_text(encoding="utf-8"))["totals"]
    taken, total = totals["covered_branches"], totals["num_branches"]
    share = 100.0 * taken / total if total else 100.0
    print(f"branches taken: {taken} of {total} ({share:.1f} %), wanted: {float(wanted):.1f} %")
    return 0 if share >= float(wanted) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
