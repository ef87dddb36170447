"""Does a translated gettext catalog still have all placeholders, tags and line breaks? Two independent programs judge.

    python benchmarks/catalogs.py model catalog.po --langs en-fr --pofilter ~/toolkit/bin/pofilter

`pofilter` is a program of translate-toolkit, which is under the GPL: install it in an environment of its own. `msgfmt`
is one of gettext. Entries that were marked as fuzzy, because something was lost, are judged as well.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

CHECKS = "printf pythonbraceformat variables xmltags urls emails newlines filepaths options escapes tabs accelerators"
FINDING = re.compile(r"^# \(pofilter\) (\w+): .*", re.MULTILINE)


def main() -> None:
    """Prints the number of entries in which each check finds something, and the entries."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("catalog", type=Path, help="catalog without translations")
    parser.add_argument("--langs", default="en-fr")
    parser.add_argument("--beam", default="2")
    parser.add_argument("--pofilter", default="pofilter")
    options = parser.parse_args()
    with TemporaryDirectory() as directory:
        source, results = Path(directory, "in"), Path(directory, "out")
        source.mkdir()
        translated = source / "catalog.po"
        command = ["translate", options.model, "--input", str(options.catalog), "--output", str(translated)]
        subprocess.run(
            [sys.executable, "-m", "regard", *command, "--langs", options.langs, "--beam", options.beam],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        checks = [f"--test={check}" for check in CHECKS.split()]
        subprocess.run([options.pofilter, "--progress=none", *checks, str(source), str(results)], check=True)
        result = results / "catalog.po"
        findings = result.read_text(encoding="utf-8") if result.exists() else ""
        for check, count in Counter(FINDING.findall(findings)).most_common():
            print(f"pofilter {check}: {count}")
        print(findings)
        subprocess.run(["msgfmt", "--check", "--use-fuzzy", "--output-file=/dev/null", str(translated)], check=False)


if __name__ == "__main__":
    main()
