"""Reads untrusted inputs, each in a fork of a Python process with loaded modules, and limits time and memory.

As a program, it reads one task per line, `[kind, path]`, and answers with one line: end, message, time and memory.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

LOADED = (
    "ctranslate2", "ctranslate2.specs", "numpy", "onnx", "onnxruntime", "regard.interop.ctranslate2.engine",
    "regard.translation.loading", "regard.interop.marian.importer", "regard.interop.onnx.engine",
    "regard.translation.shortlist", "regard.translation.translator", "sentencepiece", "torch",
)  # fmt: skip
SECONDS, MEMORY = 20, 3 << 30
"""Limits of a trial: CPU time in seconds, and address space in bytes in addition to that at the start."""
SENTENCES = ["a man in a red hat", "", "the dog runs"]


@dataclass(frozen=True)
class Outcome:
    """Result of a trial.

    Attributes:
        end: `done`, `refused` (a `RegardError`), `internal` (another exception) or `killed`.
        message: Output or error message.
        seconds: CPU time in seconds.
        megabytes: Peak memory in addition to that at the start.
    """

    end: str
    message: str
    seconds: float
    megabytes: float


class Trials:
    """The other Python process; to be closed at the end."""

    def __init__(self) -> None:
        one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | one_thread
        )

    def __call__(self, kind: str, path: Path) -> Outcome:
        """Tries one input.

        Args:
            kind: A key of `KINDS`.
            path: The input.

        Returns:
            Result of the trial.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([kind, os.fsencode(path).decode("latin-1")]).encode() + b"\n")
        self._process.stdin.flush()
        return Outcome(*json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()


def marian(path: Path) -> str:
    """Imports a model and translates with it."""
    from regard.interop.marian.importer import import_marian

    with TemporaryDirectory() as directory:
        manifest = import_marian(path, Path(directory) / "model")
        return manifest.signature + model(Path(directory) / "model")


def model(path: Path) -> str:
    """Translates with a model or an export."""
    from regard.translation.loading import load

    translator = load([path], device="cpu", threads=1)
    return "\n".join(translation.text for translation in translator.translate(SENTENCES, beam=2))


def shortlist(path: Path) -> str:
    """Translates with a shortlist; the model is in the same directory."""
    from regard.translation.loading import load
    from regard.translation.shortlist import read_shortlist, shortlisted

    translator = load(path.with_name("model"), device="cpu")
    restricted = shortlisted(translator, read_shortlist(path, translator))
    return "\n".join(translation.text for translation in restricted.translate(SENTENCES, beam=2))


KINDS: dict[str, Callable[[Path], str]] = {"marian": marian, "model": model, "shortlist": shortlist}


def _attempt(kind: str, path: Path) -> tuple[str, str]:
    from regard.errors import RegardError

    try:
        return "done", KINDS[kind](path)
    except RegardError as error:
        return "refused", str(error)
    except BaseException as error:
        return "internal", f"{type(error).__name__}: {error}"


def _set_limits() -> None:
    """Limits time and memory of this process, and detaches it from the terminal."""
    size = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _tried(kind: str, path: Path) -> list[object]:
    reader, writer = os.pipe()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _set_limits()
        end, message = _attempt(kind, path)
        os.write(writer, json.dumps([end, message[:4000]]).encode())
        os._exit(0)
    os.close(writer)
    ready, _, _ = select.select([reader], [], [], 3 * SECONDS)
    if not ready:
        os.kill(pid, signal.SIGKILL)
    answer = b""
    while block := os.read(reader, 1 << 16):
        answer += block
    os.close(reader)
    _, status, usage = os.wait4(pid, 0)
    end, message = json.loads(answer) if answer else ["killed", f"no answer, status {status}"]
    return [end, message, usage.ru_utime + usage.ru_stime, (usage.ru_maxrss - before) / 1024]


def main() -> None:
    for name in LOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # else the garbage collector of each fork would search, and so copy, all loaded modules
    for line in sys.stdin:
        kind, path = json.loads(line)
        print(json.dumps(_tried(kind, Path(os.fsdecode(path.encode("latin-1"))))), flush=True)


if __name__ == "__main__":
    main()
