"""Finds and runs the code blocks of a Markdown page.

Blocks of a page run in order, in one directory and one Python namespace:

- `python` is executed; one with `>>>` is checked as a doctest, output and all.
- `console` runs what follows each `$ `; the lines below it, if any, must be its output (`...` matches anything).
- `bash` runs as a script that stops at the first failure.
- `toml` must be a configuration that loads; with `title="name.toml"` it is written to that file for later blocks.
- `text`, `json`, `mermaid` and other languages are not run. A block without a language is an error.

A comment directly above a block changes that: `<!-- not run: REASON -->` skips it, and
`<!-- tested with: ARGUMENTS -->` appends arguments to its `regard train` commands, to shorten them to seconds.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!-- (?P<kind>not run|tested with): (?P<text>[^\n]*?) -->\s*\Z")
OUTPUT_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
TIMEOUT_SECONDS = 1800  # only so that nothing hangs forever


class BlockError(AssertionError):
    """A failed block, with its page and line."""


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        location: Page and line, for messages.
        language: First word after the fence.
        title: Value of `title="..."`, or empty.
        body: The code.
        skip: Reason not to run it, or empty.
        arguments: Arguments appended to `regard train` commands.
    """

    location: str
    language: str
    title: str
    body: str
    skip: str = ""
    arguments: str = ""


@dataclass
class Page:
    """State shared by the blocks of one page.

    Attributes:
        directory: Working directory of every block.
        programs: A directory to put first on the PATH, or None.
        names: Python namespace shared by the blocks.
    """

    directory: Path
    programs: Path | None = None
    names: dict[str, object] = field(default_factory=lambda: {"__name__": "page"})

    def run(self, block: Block) -> None:
        """Runs one block.

        Args:
            block: The block; the current directory of this process must be the page's.

        Raises:
            BlockError: It fails, or its output differs from what the page shows.
        """
        if block.skip:
            return
        if not block.language:
            raise BlockError(f"{block.location}: a block without a language: write ```text if it is not code")
        runner = RUNNERS.get(block.language)
        if runner:
            runner(self, block)


def find_blocks(path: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = path.read_text(encoding="utf-8")
    blocks = []
    for match in FENCE.finditer(text):
        info = match["info"].strip()
        title = re.search(r'title="([^"]*)"', info)
        mark = MARK.search(text[: match.start()])
        marks = {mark["kind"]: mark["text"]} if mark else {}
        blocks.append(
            Block(
                location=f"{path.name}:{text.count(chr(10), 0, match.start()) + 1}",
                language=info.split()[0].strip("{.}") if info else "",
                title=title[1] if title else "",
                body=re.sub(f"^{match['indent']}", "", match["body"], flags=re.MULTILINE),
                skip=marks.get("not run", ""),
                arguments=marks.get("tested with", ""),
            )
        )
    return blocks


def _run_python(page: Page, block: Block) -> None:
    if ">>> " in block.body:
        test = doctest.DocTestParser().get_doctest(block.body, {}, block.location, block.location, 0)
        test.globs = page.names
        report: list[str] = []
        doctest.DocTestRunner(optionflags=OUTPUT_FLAGS, verbose=False).run(test, out=report.append, clear_globs=False)
        if report:
            raise BlockError(f"{block.location}: {''.join(report)}")
        return
    try:
        exec(compile(block.body, block.location, "exec"), page.names)
    except Exception as error:
        raise BlockError(f"{block.location}: {type(error).__name__}: {error}") from error


def _run_console(page: Page, block: Block) -> None:
    for command, expected in _commands(block.body):
        printed = _shell(page, block, command)
        if expected and not doctest.OutputChecker().check_output(expected, printed, OUTPUT_FLAGS):
            raise BlockError(f"{block.location}: `{command}` printed\n{printed}\ninstead of\n{expected}")


def _run_bash(page: Page, block: Block) -> None:
    _shell(page, block, block.body)


def _run_toml(page: Page, block: Block) -> None:
    from regard.config.load import load_config

    path = page.directory / (block.title or "block.toml")
    path.write_text(block.body, encoding="utf-8")
    try:
        load_config(path)
    except Exception as error:
        raise BlockError(f"{block.location}: {error}") from error


RUNNERS: dict[str, Callable[[Page, Block], None]] = {
    "python": _run_python,
    "console": _run_console,
    "bash": _run_bash,
    "toml": _run_toml,
}


def _commands(body: str) -> list[tuple[str, str]]:
    """Commands after `$ `, each with the output shown below it; a trailing backslash continues a command."""
    commands: list[tuple[str, str]] = []
    continues = False
    for line in body.splitlines():
        command, output = commands[-1] if commands else ("", "")
        if continues:
            commands[-1] = (f"{command}\n{line}", output)
        elif line.startswith("$ "):
            commands.append((line[2:], ""))
        elif commands:
            commands[-1] = (command, f"{output}{line}\n")
        continues = line.endswith("\\") and (continues or line.startswith("$ "))
    return commands


def _shell(page: Page, block: Block, script: str) -> str:
    if block.arguments and "regard train" in script:
        script = f"{script.rstrip()} {block.arguments}"
    directories = [page.programs, Path(sys.executable).parent, os.environ["PATH"]]
    path = os.pathsep.join(str(directory) for directory in directories if directory)
    environment = os.environ | {"PATH": path, "COLUMNS": "100", "NO_COLOR": "1"}
    bash = ["bash", "-e", "-o", "pipefail", "-c", script]
    done = subprocess.run(
        bash, cwd=page.directory, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
    )
    if done.returncode:
        raise BlockError(f"{block.location}: `{script}` ended with {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout
