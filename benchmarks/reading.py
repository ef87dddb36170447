"""How fast corpora are read in every format, and how much memory that takes.

Each format is written from two files of parallel text by `regard data convert`, and read in a process of its own:
pairs per second of CPU time, with and without normalization, and the peak of its memory.

    python benchmarks/reading.py train.en train.fr --langs en-fr --pairs 300000
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

FORMATS = ("tsv", "tsv.gz", "tsv.zst", "tsv.xz", "tsv.bz2", "csv", "jsonl", "tmx", "xliff", "po", "parquet")
READ = """
import json, resource, sys, time
from regard.data.corpora.formats import open_corpus
from regard.data.corpora.unit import ReadOptions
from regard.text.languages import parse_direction
from regard.text.normalize import normalize
names, langs = sys.argv[1:-1], parse_direction(sys.argv[-1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
seconds = []
for convert in (str, normalize):
    start, count = time.process_time(), 0
    for src, tgt, _ in open_corpus(*names, options=ReadOptions(langs)).units():
        convert(src), convert(tgt)
        count += 1
    seconds.append(time.process_time() - start)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([count, *seconds, (after - before) / 1024]))
"""


def read(files: list[Path], langs: str) -> tuple[int, float, float, float]:
    """Reads a corpus twice in a new process: pairs, seconds without and with normalization, megabytes of growth."""
    run = subprocess.run(
        [sys.executable, "-c", READ, *map(str, files), langs], check=True, capture_output=True, text=True
    )
    count, plain, normalized, memory = json.loads(run.stdout)
    return count, plain, normalized, memory


def first_lines(path: Path, count: int, copy: Path) -> Path:
    """Copies the first lines of a file."""
    with path.open(encoding="utf-8") as lines, copy.open("w", encoding="utf-8") as file:
        file.writelines(islice(lines, count))
    return copy


def main() -> None:
    """Writes and reads every format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("src", type=Path)
    parser.add_argument("tgt", type=Path)
    parser.add_argument("--langs", default="en-fr")
    parser.add_argument("--pairs", type=int, default=300_000)
    given = parser.parse_args()
    print("format      pairs   read/s   read and normalize/s   memory MB")
    with tempfile.TemporaryDirectory() as directory:
        src = first_lines(given.src, given.pairs, Path(directory, "src"))
        tgt = first_lines(given.tgt, given.pairs, Path(directory, "tgt"))
        corpora = {"plain": [src, tgt]}
        for form in FORMATS:
            file = Path(directory, f"corpus.{'xlf' if form == 'xliff' else form}")
            convert = ["data", "convert", str(src), str(tgt), "--langs", given.langs, "--to", form.split(".")[0]]
            subprocess.run(
                [sys.executable, "-m", "regard", *convert, "--out", str(file)], check=True, stdout=subprocess.DEVNULL
            )
            corpora[form] = [file]
        for form, files in corpora.items():
            count, plain, normalized, memory = read(files, given.langs)
            print(f"{form:8} {count:8,} {count / plain:8,.0f} {count / normalized:22,.0f} {memory:11.1f}", flush=True)


if __name__ == "__main__":
    main()
