"""Writes the report of a lab: `report.html` and `report.md` in its directory."""

from __future__ import annotations

from pathlib import Path

from regard.files.atomic import write_shared_text
from regard.lab.experiment import open_experiment
from regard.lab.markdown import render_markdown
from regard.lab.page import render_page
from regard.lab.summary import summarize


def write_report(directory: Path) -> tuple[Path, Path]:
    """Writes the report of a lab (a comparison of systems) on all finished trainings; others may be in progress.

    Args:
        directory: Directory of the lab.

    Returns:
        Paths of the two reports, HTML and Markdown.

    Raises:
        CheckpointError: The directory does not contain a lab.
        DataError: No run has finished yet.
    """
    summary = summarize(open_experiment(directory))
    files = (directory / "report.html", directory / "report.md")
    for path, text in zip(files, (render_page(summary), render_markdown(summary)), strict=True):
        write_shared_text(path, text)
    return files
