"""A short fuzzing of every reader; `make fuzz` does it for a long time."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz_mutation import damage
from fuzz_targets import Target, targets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NUM_EXAMPLES = 100
NAMES = (
    "tmx", "xliff", "wmt", "po", "mo", "jsonl", "tsv", "csv", "opus", "parquet", "plain", "moses", "sgm", "detection",
    "compression", "pharaoh", "naacl", "config", "manifest", "shortlist", "prepared", "shard",
    "glossary.tsv", "glossary.csv", "glossary.tbx", "document.txt", "document.html",
    "document.xhtml", "document.xml", "document.srt", "document.docx", "document.odt", "document.md",
    "document.vtt", "document.po", "document.tmx", "document.xlf", "document.jsonl", "document.csv", "document.tsv",
)  # fmt: skip


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Target]:
    """All targets by name."""
    return targets(tmp_path_factory.mktemp("fuzz"))


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    """Damaged inputs, and sequences of parts of the format."""
    damaged = st.integers(0, 1 << 32).map(lambda seed: damage(target.seeds, target.tokens, random.Random(seed)))
    return damaged | damaged | st.lists(st.sampled_from(list(target.tokens)), max_size=30).map(b"".join)


def test_every_target_is_fuzzed(known: dict[str, Target]) -> None:
    assert set(NAMES) <= set(known)


@pytest.mark.parametrize("name", NAMES)
def test_seeds_are_valid(name: str, known: dict[str, Target], tmp_path: Path) -> None:
    target = known[name]
    path = tmp_path / f"seed{target.suffix}"
    for seed in target.seeds:
        path.write_bytes(seed)
        assert target.run(path)


@pytest.mark.parametrize("name", NAMES)
def test_no_input_causes_anything_but_an_error_for_users(name: str, known: dict[str, Target], tmp_path: Path) -> None:
    target = known[name]
    path = tmp_path / f"input{target.suffix}"

    @settings(
        max_examples=NUM_EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=inputs(target))
    def run(data: bytes) -> None:
        path.write_bytes(data)
        target.run(path)

    run()


BROKEN = """
import sys, time
sys.path.insert(0, sys.argv.pop(1))
import fuzz_targets, run_fuzz
from fuzz_targets import Target


def fail(path):
    data = path.read_bytes()
    if data.startswith(b"e"):
        raise KeyError("e")
    if data.startswith(b"h"):
        while True:
            pass
    if data.startswith(b"m"):
        bytearray(1 << 31)
    return "read"


run_fuzz.MAX_CPU_SECONDS = 1
run_fuzz.targets = lambda _: {"broken": Target("broken", (b"e", b"h", b"m", b"x"), (b"x",), fail)}
sys.exit(run_fuzz.main())
"""


def test_crashes_hangs_and_memory_are_found_and_saved(tmp_path: Path) -> None:
    here = Path(__file__).parent
    command = [sys.executable, "-c", BROKEN, str(here), "broken", "--worker", "--seconds=2", f"--out={tmp_path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    saved = sorted(path.read_bytes()[:1] for path in tmp_path.glob("broken-*"))
    assert done.returncode >= 3, done.stderr
    assert set(saved) >= {b"e", b"h", b"m"}
    assert "KeyError" in done.stdout
    assert "1 s of CPU time" in done.stdout
    assert "MemoryError" in done.stdout
