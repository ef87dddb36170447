"""The two kinds of work in the stages of recipes: training a model, and mapping the lines of a file in chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from regard.config.schema import Config
from regard.data.prepared.collecting import hash_of
from regard.errors import CheckpointError
from regard.files.atomic import remove
from regard.recipes.chunks.job import ChunkedJob, Progress, Workers
from regard.recipes.chunks.store import SUFFIX
from regard.recipes.chunks.translating import translation_work
from regard.recipes.chunks.work import Work
from regard.recipes.stages import Stage
from regard.recipes.training import train
from regard.store.manifest import MANIFEST
from regard.train.interrupt import Interrupt
from regard.train.reporter import Reporter
from regard.translation.options import Changes

_OF_MACHINE = ("threads", "device", "tensorboard", "save_minutes", "guided_file")
_OF_TEXT = ("src", "tgt", "val_src", "val_tgt", "prepared")
# Options that do not determine the result of a training: the text of a stage is that of the stages before it.


class RecipeJobs:
    """Runs trainings and chunked jobs for the stages of a recipe.

    Args:
        reporter: Receives the progress of trainings, and messages.
        progress: Receives the progress of chunked jobs.
        interrupt: Checked by all jobs.
        workers: Processes that compute chunks.
    """

    def __init__(self, reporter: Reporter, progress: Progress, interrupt: Interrupt, workers: Workers) -> None:
        self.reporter, self.interrupt = reporter, interrupt
        self._progress, self._workers = progress, workers

    def training(
        self, name: str, title: str, config: Config, out: Path, *, estimate: float | None, more: object = None
    ) -> Stage:
        """Makes a stage that trains a model.

        Args:
            name: Name of the stage.
            title: What it does, for the user.
            config: Configuration of the training.
            out: Directory of the model.
            estimate: Estimated seconds.
            more: What else determines the result.

        Returns:
            The stage.
        """

        def run(resumes: bool) -> bool:
            return self.train(config, out, resumes=resumes)

        return Stage(name, title, [self.key_of(config), more], (out,), run, estimate)

    def key_of(self, config: Config) -> str:
        """Hash of the options of a training that determine its result.

        Args:
            config: Configuration of the training.

        Returns:
            The hash, in hexadecimal. Paths of texts are not part of it.
        """
        tree = config.model_dump(mode="json", exclude={"data": set(_OF_TEXT), "train": set(_OF_MACHINE)})
        for entry in tree["data"]["corpora"]:
            for name in ("src", "tgt"):
                del entry[name]
        return hash_of(tree)

    def train(self, config: Config, out: Path, *, resumes: bool) -> bool:
        """Trains a model, or resumes its training.

        Args:
            config: Configuration of the training.
            out: Directory of the model.
            resumes: Whether what is there was begun with the same options.

        Returns:
            Whether the training is finished; False if a stop was requested.

        Raises:
            CheckpointError: The directory contains a model that no recipe has trained.
            RegardError: The training failed.
        """
        result = train(
            config, out, resume=resumes, overwrite=not resumes, reporter=self.reporter, interrupt=self.interrupt
        )
        return not result.interrupted

    def translate(self, models: Sequence[Path], source: Path, output: Path, changes: Changes, *, resumes: bool) -> bool:
        """Translates a file in chunks.

        Args:
            models: Directories of the models.
            source: The input file.
            output: The output file.
            changes: Options of the translation.
            resumes: Whether what is there belongs to the same translation.

        Returns:
            Whether the output is complete; False if a stop was requested.

        Raises:
            RegardError: The translation failed.
        """
        work = translation_work(models, source, changes, as_json=False, device="auto", precision=None, shortlist=None)
        return self.map_lines(source, output, work, resumes=resumes)

    def map_lines(self, source: Path, output: Path, work: Work, *, resumes: bool) -> bool:
        """Computes a line of a file for each line of another, in chunks.

        Args:
            source: The input file.
            output: The output file.
            work: What is computed.
            resumes: Whether what is there belongs to the same job.

        Returns:
            Whether the output is complete; False if a stop was requested.

        Raises:
            RegardError: The job failed.
        """
        store = output.with_name(output.name + SUFFIX)
        if not resumes:
            remove(store)
            remove(output)
        if output.exists() and not store.exists():
            return True
        job = ChunkedJob(source, output, work, self._workers, self._progress, _counter(self.reporter), self.interrupt)
        return job.run().is_complete


def refuse_other_model(out: Path, *, directory: Path) -> None:
    """Refuses a directory with a model that does not come from this recipe.

    Args:
        out: Directory of the new model.
        directory: Directory of the recipe.

    Raises:
        CheckpointError: There is a model, but no recipe.
    """
    if (out / MANIFEST).exists() and not directory.exists():
        raise CheckpointError(
            f"{out}: expected no model there, or the files of its recipe in {directory}, found a model only: choose "
            "another --out, or remove it"
        )


def _counter(reporter: Reporter) -> Callable[[str], None]:
    """A receiver of warnings about sentences that shows the first few of them."""
    count = 0

    def report(warning: str) -> None:
        nonlocal count
        count += 1
        if count <= 3:
            reporter.on_message(f"warning: {warning}")
        elif count == 4:
            reporter.on_message("further warnings about sentences are not shown")

    return report
