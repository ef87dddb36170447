"""Program that trains the demonstration model, and writes the progress to standard output as JSON lines.

python -m regard.service.demo_training DIRECTORY
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

from rich.console import Console

from regard.errors import RegardError
from regard.recipes.demo import OVERHEAD, run_demo
from regard.recipes.process import interrupt_on_signals, prepare_process
from regard.train.interrupt import Interrupted
from regard.train.reporter import Reporters, StepReport


class _JSONReporter(Reporters):
    """Writes each report of progress to standard output."""

    def __init__(self) -> None:
        super().__init__([])

    def on_step(self, report: StepReport) -> None:
        """Writes the progress of the training to standard output, as one line of JSON.

        Args:
            report: The progress, of which step, planned steps and estimated seconds left are written.
        """
        left = report.remaining * (1.0 + OVERHEAD)
        _write({"step": report.step, "steps": report.steps, "seconds_left": left})


def main(directory: Path) -> int:
    """Trains the small English-French model that a service without a model uses for demonstration.

    Args:
        directory: Directory that gets the same files as with `regard demo --out`; an interrupted training in it
            resumes.

    Returns:
        Exit status: 0 if the model is finished, 1 if the training failed or was interrupted.
    """
    prepare_process()
    try:
        with interrupt_on_signals() as interrupt:
            run_demo(directory, console=Console(file=io.StringIO()), reporter=_JSONReporter(), interrupt=interrupt)
    except Interrupted:
        return 1
    except (RegardError, OSError) as error:
        _write({"message": str(error)})
        return 1
    return 0


def _write(report: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
