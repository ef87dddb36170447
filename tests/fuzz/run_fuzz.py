"""Fuzzes the readers of files for a long time: `python tests/fuzz/run_fuzz.py --seconds 600 tmx po`; see `--help`.

Each target runs in a process of its own. An input after which the reader fails, does not end, or needs too much memory
is saved in `build/fuzz`, and its name is printed. `--replay FILE...` reads saved inputs again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fuzz_mutation import damage
from fuzz_targets import Target, targets

MAX_BYTES = 1 << 30
"""Memory that a target may need besides what it has at the beginning."""
MAX_CPU_SECONDS = 10
"""CPU time of one input after which it counts as a hang."""
_MAX_DOCUMENT = 1 << 17
"""Largest size in bytes of a document; dividing it into sentences takes 5 microseconds per byte."""
_MAX_WAIT = 1800
"""Seconds without a new input after which a process is killed; beside other work, it may get a tenth of a core."""
_MAX_FINDINGS = 20
_MAX_KEPT = 2000
"""Number of inputs with new results that are kept to be damaged further."""
_KILOBYTE = 1024 if sys.platform.startswith("linux") else 1


class HangError(BaseException):
    """An input takes too long; not an exception that readers catch."""


def main() -> int:
    """Runs the command line; the exit status is 1 if there are findings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="targets; default: all")
    parser.add_argument("--seconds", type=float, default=600, help="CPU time per target (default: 600)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="seed (default: by the clock)")
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"), help="directory for findings")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--replay", nargs="+", type=Path, help="read saved inputs, named TARGET-...")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        known = targets(Path(name))
        if args.replay:
            return _replay(args.replay, known)
        if unknown := set(args.names) - set(known):
            parser.error(f"unknown targets {', '.join(sorted(unknown))}: expected some of {', '.join(known)}")
        if args.worker:
            return _work(known[args.names[0]], args.seconds, args.seed, args.out)
        num_findings = sum(_watch(each, args.seconds, args.seed, args.out) for each in args.names or known)
    print(f"{num_findings} findings" if num_findings else "no findings")
    return int(num_findings > 0)


def _watch(name: str, seconds: float, seed: int, out: Path) -> int:
    """Fuzzes a target in another process, and returns the number of findings."""
    end = _cpu_time_of_children() + seconds
    num_findings = 0
    while (left := end - _cpu_time_of_children()) > 0 and num_findings < _MAX_FINDINGS:
        command = [sys.executable, __file__, "--worker", f"--seconds={left}", f"--seed={seed}", f"--out={out}", name]
        if (last := _current(out, name)) is not None:
            last.unlink()  # of a process that was killed
        worker = subprocess.Popen(command)
        while worker.poll() is None:
            time.sleep(min(1.0, max(left, 0.1)))
            path = _current(out, name)
            if path is not None and time.time() - path.stat().st_mtime > _MAX_WAIT:
                worker.kill()
        if worker.returncode < 0:
            num_findings += 1
            path = _current(out, name)
            if path is not None:
                _save(name, path.read_bytes(), f"killed by {signal.Signals(-worker.returncode).name}", out)
        elif worker.returncode != 0:
            num_findings += worker.returncode
        else:
            break
        seed += 1
    return num_findings


def _cpu_time_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _work(target: Target, seconds: float, seed: int, out: Path) -> int:
    """Fuzzes a target, and returns the number of findings."""
    generator = random.Random(seed)
    kept = list(target.seeds)
    results: set[str] = set()
    causes: set[str] = set()
    path = out / f"{target.name}.current{target.suffix}"
    _limit_memory()
    num_runs, end = 0, time.process_time() + seconds
    while time.process_time() < end and len(causes) < _MAX_FINDINGS:
        data = damage(kept, target.tokens, generator) if num_runs >= len(target.seeds) else target.seeds[num_runs]
        if target.name.startswith("document"):
            data = data[:_MAX_DOCUMENT]
        path.write_bytes(data)
        num_runs += 1
        result, cause = _run(target, path)
        if cause and cause not in causes:
            causes.add(cause)
            _save(target.name, data, cause, out)
        elif result not in results:
            results.add(result)
            if len(data) < 1 << 14:
                kept.append(data)
        if len(kept) > _MAX_KEPT:
            del kept[generator.randrange(len(target.seeds), len(kept))]
    path.unlink(missing_ok=True)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KILOBYTE >> 20
    print(
        f"{target.name}: {num_runs:,} inputs in {seconds:.0f} s of CPU time, {len(results):,} different results, "
        f"{len(causes)} findings, {memory} MB (seed {seed})",
        flush=True,
    )
    return len(causes)


def _run(target: Target, path: Path) -> tuple[str, str]:
    """The result of an input, and what is wrong with it; empty if nothing is."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        with _limited_time():
            result = target.run(path)
    except HangError:
        return "", f"more than {MAX_CPU_SECONDS} s of CPU time at {_place(sys.exc_info()[2])}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        message = re.sub(r"[0-9]+", "N", str(error))[:80]
        return "", f"{type(error).__name__} at {_place(error.__traceback__)}: {message!r}"
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * _KILOBYTE
    return result, f"{growth >> 20} MB of memory" if growth > MAX_BYTES else ""


def _place(trace: object) -> str:
    frames = [frame for frame in traceback.extract_tb(trace) if "regard/" in frame.filename]  # type: ignore[arg-type]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "the target"


@contextmanager
def _limited_time() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise HangError

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, MAX_CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _limit_memory() -> None:
    """Limits the address space to what it is now and `MAX_BYTES` more, where the system supports it."""
    status = Path("/proc/self/status")
    if status.exists():
        size = int(re.search(r"VmSize:\s*(\d+)", status.read_text())[1]) << 10  # type: ignore[index]
        resource.setrlimit(resource.RLIMIT_AS, (size + MAX_BYTES, size + MAX_BYTES))


def _current(out: Path, name: str) -> Path | None:
    return next(iter(out.glob(f"{name}.current*")), None)


def _save(name: str, data: bytes, cause: str, out: Path) -> None:
    path = out / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    print(f"finding: {path}: {cause}", flush=True)


def _replay(paths: list[Path], known: dict[str, Target]) -> int:
    status = 0
    for path in paths:
        target = known[path.name.rpartition("-")[0]]
        with tempfile.TemporaryDirectory() as name:
            copy = Path(name) / f"input{target.suffix}"
            copy.write_bytes(path.read_bytes())
            try:
                print(f"{path}: {target.run(copy)[:300]}")
            except Exception:
                status = 1
                print(f"{path}:")
                traceback.print_exc(file=sys.stdout)
    return status


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
