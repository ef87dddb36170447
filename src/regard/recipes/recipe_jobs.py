"""The two kinds of work in a recipe (back-translation or distillation): trainings, and jobs over lines of a file."""

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
    """Runs the work of a recipe (back-translation or distillation): trainings, and jobs over the lines of a file.

    The lines of a file are divided into chunks, which worker processes compute in parallel.

    Args:
        reporter: Receives the progress of trainings, and messages.
        progress: Receives the progress of jobs over lines.
        interrupt: Flag that all work checks, to stop on request.
        workers: Where chunks are computed: number of processes and threads, or a cluster.
    """

    def __init__(self, reporter: Reporter, progress: Progress, interrupt: Interrupt, workers: Workers) -> None:
        self.reporter, self.interrupt = reporter, interrupt
        self._progress, self._workers = progress, workers

    def training(
        self, name: str, title: str, config: Config, out: Path, *, estimate: float | None, more: object = None
    ) -> Stage:
        """Makes a stage of a recipe, which trains a model when it runs.

        Args:
            name: Name of the stage.
            title: What the stage does, for the user, such as `train the reverse model`.
            config: Configuration of the training.
            out: Directory of the model.
            estimate: Estimated seconds; None = not known.
            more: What determines the result besides `config`, as JSON values; if it changes, the stage runs again.

        Returns:
            The stage, to be run by a `StageRunner`.
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
            resumes: True = resume the training in `out`; False = start a new one, which replaces any model or training
                in `out`.

        Returns:
            Whether the training is finished; False if a stop was requested.

        Raises:
            RegardError: The training failed.
        """
        result = train(
            config, out, resume=resumes, overwrite=not resumes, reporter=self.reporter, interrupt=self.interrupt
        )
        return not result.interrupted

    def translate(self, models: Sequence[Path], source: Path, output: Path, changes: Changes, *, resumes: bool) -> bool:
        """Translates each line of a file, in chunks that worker processes compute in parallel.

        Args:
            models: Directories of the models; several form an ensemble.
            source: The input file.
            output: The output file.
            changes: Options of the translation.
            resumes: True = keep the output, or its chunks, of an earlier run of this job; False = remove them first.

        Returns:
            Whether the output is complete; False if a stop was requested.

        Raises:
            RegardError: The translation failed.
        """
        work = translation_work(models, source, changes, as_json=False, device="auto", precision=None, shortlist=None)
        return self.map_lines(source, output, work, resumes=resumes)

    def map_lines(self, source: Path, output: Path, work: Work, *, resumes: bool) -> bool:
        """Writes an output line for each line of a file, in chunks that worker processes compute in parallel.

        Args:
            source: The input file.
            output: The output file.
            work: The computation that turns the lines of a chunk into output lines.
            resumes: True = keep the output, or its chunks, of an earlier run of this job; False = remove them first.

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
        out: Directory for the model that the recipe will train.
        directory: Directory of the recipe's other files, which exists if the recipe was run before.

    Raises:
        CheckpointError: `out` contains a model, but `directory` does not exist.
    """
    if (out / MANIFEST).exists() and not directory.exists():
        raise CheckpointError(
            f"{out}: contains a model that this back-translation or distillation did not train, since its other files "
            f"would be in {directory}, which does not exist: choose another --out, or remove the model"
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
