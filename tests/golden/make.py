"""Makes the golden record: stored models, and what the command line prints for them. It is run manually, not by tests.

`python tests/golden/make.py --models` trains the models again, and `--record` records what the commands print for the
current models. `--perturb` shows which parts of the record are close to a threshold: it changes every weight by about
1e-4 of its size, a hundred times more than processors differ, and compares. It must show nothing.

The models of format version 1 and the record were written by regard 0.1.0; `"written_by"` in the record names the
version of torch. They stay unchanged while the code changes: the tests show that the models still load and give the
same results. Record again only if a command is meant to print something else, and then review the differences.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regard.train.interrupt import Interrupt

sys.path.append(str(Path(__file__).parents[1] / "support"))

from replay import Case, working_directory
from toy_language import pairs

HERE = Path(__file__).parent
RECORD = HERE / "record.json"
INTERRUPTED_AT = 300

# Options of all models.
COMMON = [
    "data.src=train.en", "data.tgt=train.fr", "data.val_src=val.en", "data.val_tgt=val.fr", "data.max_len=40",
    "train.threads=1", "train.device=cpu", "train.precision=float32", "train.tensorboard=false",
    "train.validate_every=500", "train.batch_tokens=512", "train.learning_rate=0.01", "train.warmup=50",
    "train.label_smoothing=0.05", "train.keep=1", "train.average=none", "train.metric=loss", "model.dropout=0",
]  # fmt: skip
SHARED = ["subword.vocab_size=360"]
RECURRENT = ["model.embed_size=16", "model.hidden_size=24", "train.steps=2000"]
MODELS: dict[str, tuple[str, list[str]]] = {
    "luong": ("luong-general", [
        *SHARED, *RECURRENT, "model.embed_size=24", "model.hidden_size=32", "model.input_feeding=true",
        "train.steps=1500",
    ]),
    # The opposite direction, with separate vocabularies.
    "bahdanau": ("bahdanau", [
        *RECURRENT, "data.src=train.fr", "data.tgt=train.en", "data.val_src=val.fr", "data.val_tgt=val.en",
        "subword.kind=bpe", "subword.shared=false", "subword.vocab_size=320", "model.attention.size=16",
        "model.attention.coverage=true", "model.attention.location_filters=4", "model.attention.normalizer=entmax15",
        "search.length_penalty=0.8", "search.coverage_penalty=0.2", "search.beam=3",
    ]),
    "transformer": ("transformer-tiny", [
        *SHARED, "model.width=24", "model.ff_size=32", "model.heads=2", "model.encoder_layers=2",
        "model.decoder_layers=2", "model.norm=post", "model.export=marian", "train.steps=3000",
        "train.learning_rate=0.006", "train.warmup=100", "train.batch_tokens=768", "train.guided_weight=0.3",
        "train.guided_file=train.align", "train.guided_shift=true",
    ]),
    # A single vector holds little: this model memorizes a few sentences, so that its probabilities are peaked.
    "plain": ("plain", [
        *SHARED, *RECURRENT, "model.cell=gru", "model.hidden_size=32", "data.src=few.en", "data.tgt=few.fr",
        "data.val_src=few.en", "data.val_tgt=few.fr", "train.average=best",
    ]),
}  # fmt: skip
EXPORTS = {
    "luong.onnx": ("luong", "onnx", "float32"),
    "luong.onnx-int8": ("luong", "onnx", "int8"),
    "transformer.ct2": ("transformer", "ctranslate2", "float32"),
    "transformer.marian": ("transformer", "marian", "float32"),
}
NEEDS = {"onnx": ["onnx", "onnxruntime"], "ctranslate2": ["ctranslate2"], "marian": ["transformers"]}
"""Packages that the cases of each engine need."""
TOY = [
    "--src",
    "corpus/train.en",
    "--tgt",
    "corpus/train.fr",
    "--val-src",
    "corpus/val.en",
    "--val-tgt",
    "corpus/val.fr",
]
SHORT = [
    "subword.vocab_size=300", "train.threads=1", "train.device=cpu", "train.precision=float32",
    "train.tensorboard=false", "train.batch_tokens=256", "train.learning_rate=0.01", "train.warmup=5", "train.keep=2",
    "train.validate_sentences=10",
]  # fmt: skip
UNFINISHED = [
    *SHORT, "model.embed_size=8", "model.hidden_size=12", "train.steps=340", "train.validate_every=100",
    "train.average=last", "train.learning_rate=0.02",
]  # fmt: skip
LONG = (
    "The small king hears a green flower today. Zoë does not find the black car. This big dog likes the queen but "
    "the bird follows the moon often! The cat sees a tree here? Anna finds this small bird. The house!"
)
ENDLESS = (
    "the big dog sees a small cat and Anna likes this green house but a king does not hear the moon and Boris follows "
    "the black car often but this queen finds a tree here and Kim hears the bird but the flower likes Zoë today"
)
LINES = [
    "The cat sees a dog.",
    "Anna likes this small house.",
    "",
    "The green bird does not hear Boris today!",
    "The black dog follows the queen and this king does not like a car.",
    "The moon! A big tree finds the flower.",
    "The dog sees Kim. This queen does not follow the black cat! A bird hears the moon here.",
    LONG,
    ENDLESS,
    "The \u2603 sees the Ω dog.",
    "Zoë likes 漢字.",
    "  The  cat\u00a0likes\tKim. ",
    "the queen",
    "!",
    "Zoe\u0308 does not hear a queen?",
    "The king\u2028follows a bird.",
    "the the the the the the the the",
    "   ",
    "Kim likes \U0001f469\u200d\U0001f4bb and the car.",
    "A black flower likes Anna but the dog does not see this big tree today.",
]
SANS_FIN = (
    "le chien grand voit un chat petit et Anna aime cette maison verte mais un roi ne entend pas la lune et Boris suit "
    "la voiture noire souvent mais cette reine trouve un pommier ici et Kim entend le merle mais la fleur aime Zoë."
)
FRENCH = [
    "Le chat voit un chien.",
    "",
    "Le merle vert ne entend pas Boris maintenant!",
    "Le chien noir suit la reine et ce roi ne aime pas une voiture.",
    "La lune! Un pommier grand trouve la fleur.",
    SANS_FIN,
    "Le chat \u2603 suit Anna.",
    "Zoe\u0308 suit 漢字.",
]
"""Lines to translate: short, long, empty, and with unknown words and characters."""


def make_models(chosen: Sequence[str]) -> None:
    """Trains the models, exports two of them, and interrupts one more training.

    Args:
        chosen: Names of the models to make, with their exports, or `unfinished` for the interrupted training; empty for
            all.
    """
    from regard.config.load import load_config
    from regard.recipes.training import train

    write_corpus(HERE / "corpus", {"train": 200, "val": 20, "test": 12})
    models = HERE / "models"
    with tempfile.TemporaryDirectory() as temporary, working_directory(Path(temporary)):
        write_corpus(Path(temporary), {"train": 3000, "val": 100, "few": 40})
        for name in MODELS.keys() & (chosen or MODELS.keys()):
            preset, options = MODELS[name]
            shutil.rmtree(models / name, ignore_errors=True)
            result = train(load_config(None, preset=preset, overrides=[*COMMON, *options]), name)
            shutil.copytree(name, models / name, ignore=shutil.ignore_patterns("training", ".locks"))
            print(name, result.chosen, result.validation)
    with working_directory(HERE):
        for name, (model, engine, type_name) in EXPORTS.items():
            if model not in (chosen or MODELS):
                continue
            shutil.rmtree(models / name, ignore_errors=True)
            quantization = [] if engine == "marian" else ["--quantization", type_name]
            run_command(["export", f"models/{model}", "--to", engine, "--out", f"models/{name}", *quantization])
        if "unfinished" in (chosen or ["unfinished"]):
            train_unfinished(Path("models/unfinished"))


def write_corpus(directory: Path, counts: dict[str, int]) -> None:
    """Writes parts of a toy corpus, each with its own seed."""
    directory.mkdir(exist_ok=True)
    for seed, (name, count) in enumerate(counts.items(), start=1):
        for ending, lines in zip(("en", "fr", "align"), zip(*pairs(count, seed=seed), strict=True), strict=True):
            (directory / f"{name}.{ending}").write_text("\n".join(lines) + "\n", encoding="utf-8")


def run_command(args: list[str]) -> None:
    """Runs a command, which must succeed."""
    from regard.cli.main import app

    try:
        app(args)
    except SystemExit as exit_call:
        if exit_call.code:
            raise


class InterruptingReporter:
    """Requests an interruption, as Ctrl-C does, after a certain validation.

    Args:
        interrupt: The training's interrupt.
    """

    def __init__(self, interrupt: Interrupt) -> None:
        self._interrupt = interrupt

    def on_validation(self, step: int, validation: object, *, best: bool) -> None:
        """Requests the interruption."""
        if step == INTERRUPTED_AT:
            self._interrupt.request()

    def on_start(self, plan: object) -> None:
        """Does nothing."""

    def on_step(self, report: object) -> None:
        """Does nothing."""

    def on_message(self, text: str) -> None:
        """Prints the message."""
        print(text)

    def on_end(self) -> None:
        """Does nothing."""


def train_unfinished(out: Path) -> None:
    """Makes an interrupted training, which can be resumed."""
    from regard.config.load import load_config
    from regard.recipes.training import train
    from regard.train.interrupt import Interrupt

    files = [f"data.{key}=corpus/{name}" for key, name in (
        ("src", "train.en"), ("tgt", "train.fr"), ("val_src", "val.en"), ("val_tgt", "val.fr")
    )]  # fmt: skip
    config = load_config(None, preset="luong-dot", overrides=[*files, *UNFINISHED])
    interrupt = Interrupt()
    reporter = InterruptingReporter(interrupt)
    assert train(config, out, overwrite=True, reporter=reporter, interrupt=interrupt).interrupted
    shutil.rmtree(out / ".locks")


def cases() -> Iterator[Case]:
    """All cases that are recorded."""
    yield from translations()
    yield from other_engines()
    yield from alignments()
    yield from pictures()
    yield from scores()
    yield from trainings()


CPU = ["--device", "cpu"]
GREEDY = [*CPU, "--beam", "1"]
ENGLISH, FEW = ["--input", "corpus/lines.en"], ["--input", "corpus/few.en"]
INPUTS = {
    "bahdanau": (["--input", "corpus/lines.fr"], ["--input", "corpus/few.fr"]),
    "plain": (["--input", "corpus/seen.en"], ["--input", "corpus/seen.en"]),
}
"""Input of models that do not translate from English, or only sentences of their training text."""


def translations() -> Iterator[Case]:
    """`regard translate` by regard's own engine."""
    for name in MODELS:
        lines, few = INPUTS.get(name, (ENGLISH, FEW))
        for how, options in {
            "greedy": ["--beam", "1"],
            "beam 4": ["--beam", "4"],
            "json": ["--json"],
        }.items():
            yield Case(f"translate {name} {how}", [["translate", f"models/{name}", *lines, *CPU, *options]])
        retried = ["--input", "corpus/doubtful.en"] if lines == ENGLISH else lines
        yield Case(f"translate {name} careful", [["translate", f"models/{name}", *retried, *GREEDY, "--retry"]])
        for precision in ("int8", "bfloat16"):
            rounded = ["translate", f"models/{name}", *few, *CPU, "--precision", precision]
            yield Case(f"translate {name} {precision}", [rounded])
    for name in ("luong", "transformer"):
        n_best = ["translate", f"models/{name}", *FEW, *CPU, "--json", "--attention", "--n-best", "3", "--beam", "4"]
        yield Case(f"translate {name} n-best attention", [n_best])
    yield Case("translate stdin", [["translate", "models/luong", *CPU]], stdin="A king hears the moon.\n\nThe dog!")
    ensemble = ["translate", "models/luong", "models/transformer", *CPU]
    yield Case("translate ensemble", [[*ensemble, *ENGLISH]])
    yield Case("translate ensemble json", [[*ensemble, *FEW, "--json", "--n-best", "2"]])
    table = ["shortlist", "models/luong", "--src", "corpus/train.en", "--tgt", "corpus/train.fr"]
    table += ["--out", "{out}/table", "--links", "4", "--frequent", "20", *CPU]
    restricted = ["translate", "models/luong", *ENGLISH, *CPU, "--shortlist", "{out}/table"]
    yield Case("translate shortlist", [table, restricted], compared=2, reads=["table"])
    to_file = ["translate", "models/transformer", *FEW, *CPU, "--output", "{out}/few.fr.gz"]
    yield Case("translate to a file", [to_file], reads=["few.fr.gz"])
    yield Case("translate no model", [["translate", "models/none", *FEW]])
    yield Case("translate other vocabularies", [["translate", "models/luong", "models/bahdanau", *FEW, *CPU]])


def other_engines() -> Iterator[Case]:
    """Exports: the stored ones, and new ones of the stored models."""
    single_thread = [*CPU, "--threads", "1"]
    for name, (_model, engine, type_name) in EXPORTS.items():
        if engine == "marian":
            continue
        needs, rounded = NEEDS[engine], type_name == "int8"
        for how, options in {"": ["--beam", "4"], " json": ["--json", "--beam", "1"]}.items():
            lines = FEW if rounded else ENGLISH
            yield Case(
                f"translate {name}{how}",
                [["translate", f"models/{name}", *lines, *single_thread, *options]],
                tolerance=0.05 if rounded else 1e-3,
                needs=needs,
            )
    yield Case("evaluate transformer.ct2", [
        ["evaluate", "models/transformer.ct2", "--src", "corpus/test.en", "--ref", "corpus/test.fr", *single_thread],
    ], needs=NEEDS["ctranslate2"])  # fmt: skip
    for name, (model, engine, type_name) in EXPORTS.items():
        quantization = [] if engine == "marian" else ["--quantization", type_name]
        written = sorted(path.name for path in (HERE / "models" / name).iterdir() if path.name != "export.json")
        yield Case(f"export {name}", [
            ["export", f"models/{model}", "--to", engine, "--out", "{out}/again", *quantization],
        ], reads=[f"again/{file}" for file in written], compared=0, tolerance=0, needs=NEEDS[engine])  # fmt: skip
    imported = ["import", "marian", "models/transformer.marian", "--out", "{out}/imported"]
    yield Case("import marian", [imported, ["translate", "{out}/imported", *FEW, *CPU]], needs=NEEDS["marian"])


def readout(*settings: str) -> list[str]:
    """Command-line options for settings of the readout."""
    return [part for setting in settings for part in ("--readout", setting)]


def alignments() -> Iterator[Case]:
    """`regard align`, `regard aer`."""
    files = ["--src", "corpus/test.en", "--tgt", "corpus/test.fr", *CPU]
    for form in ("pharaoh", "json", "tsv", "naacl"):
        yield Case(f"align luong {form}", [["align", "models/luong", *files, "--format", form]])
    for name, options in {
        "luong strongest": ["luong", "--readout", "rule=strongest"],
        "luong threshold": ["luong", *readout("rule=threshold", "threshold=0.3", "end=0.9")],
        "luong shift": ["luong", "--readout", "shift=true"],
        "transformer": ["transformer"],
        "transformer shares": ["transformer", *readout("rule=shares", "threshold=0.5")],
        "transformer gold": ["transformer", "--gold", "corpus/test.align"],
        "transformer layer 0": ["transformer", "--readout", "layer=0"],
        "transformer head": ["transformer", *readout("layer=1", "head=1", "shift=false")],
        "ensemble": ["luong", "models/transformer"],
        "plain": ["plain"],
    }.items():
        yield Case(f"align {name}", [["align", f"models/{options[0]}", *files, *options[1:]]])
    reversed_files = ["--src", "corpus/test.fr", "--tgt", "corpus/test.en", *CPU]
    yield Case("align bahdanau", [["align", "models/bahdanau", *reversed_files]])
    # The model with the most spread attention.
    yield Case(
        "align bahdanau threshold", [["align", "models/bahdanau", *reversed_files, "--readout", "rule=threshold"]]
    )
    for method in ("intersection", "union", "grow-diag", "grow-diag-final", "gdfa"):
        reverse = ["--reverse-model", "models/bahdanau", "--symmetrize", method]
        yield Case(f"align both ways {method}", [["align", "models/transformer", *files, *reverse]])
    align = ["align", "models/luong", *files, "--output", "{out}/guess"]
    aer = ["aer", "--gold", "corpus/test.align", "--links", "{out}/guess", "--gold-base", "0", "--links-base", "0"]
    yield Case("aer", [align, aer, [*aer, "--json"]], compared=2)
    with_possible = [
        "aer",
        "--gold",
        "corpus/odd.gold",
        "--links",
        "corpus/odd.links",
        "--gold-base",
        "1",
        "--links-base",
        "0",
    ]
    yield Case("aer possible links", [with_possible, [*with_possible, "--json"]], compared=2)


def pictures() -> Iterator[Case]:
    """`regard attend`."""
    sentence = "The green bird does not hear Boris today!"
    yield Case("attend luong", [["attend", "models/luong", sentence, *CPU]])
    yield Case("attend transformer head", [
        ["attend", "models/transformer", "The king sees a dog.", *readout("layer=1", "head=0"), "--subwords", *CPU],
    ])  # fmt: skip
    given = ["--target", "Le merle vert ne entend pas Boris maintenant!"]
    yield Case("attend transformer target", [["attend", "models/transformer", sentence, *given, *CPU]])
    page = ["--src", "corpus/few.en", "--html", "{out}/page.html", "--beside", "models/transformer"]
    yield Case("attend page", [["attend", "models/luong", *page, *CPU]], reads=["page.html"])


def scores() -> Iterator[Case]:
    """`regard evaluate`, `regard info`, `regard phrasebook`."""
    files = ["--src", "corpus/test.en", "--ref", "corpus/test.fr", *CPU]
    for name in ("luong", "transformer", "plain"):
        yield Case(f"evaluate {name}", [["evaluate", f"models/{name}", *files, "--json"]])
    yield Case("evaluate as text", [["evaluate", "models/plain", *files, "--tokenize", "char", "--beam", "2"]])
    yield Case("evaluate ensemble", [["evaluate", "models/luong", "models/transformer", *files]])
    for name in MODELS:
        yield Case(f"info {name}", [["info", f"models/{name}"]], tolerance=0)
        yield Case(f"info {name} json", [["info", f"models/{name}", "--json"]], tolerance=0)
    for pair, language in (("en-fr", "fr"), ("en-ko", "ko")):
        words = ["phrasebook", "--out", "{out}/words", "--pair", pair, "--pairs", "30", "--seed", "5"]
        names = [f"words/{part}.{ending}" for part in ("train", "test") for ending in ("en", language, "align")]
        yield Case(f"phrasebook {pair}", [words], reads=names, compared=0, tolerance=0)


def trainings() -> Iterator[Case]:
    """`regard train`: a few steps, and a resumed training. The last bits of the weights depend on the processor."""
    machine_dependent = ["minutes", "torch", "regard_version", "files", "signature", "bytes"]
    info, translate = ["info", "{out}/model", "--json"], ["translate", "{out}/model", *FEW, *CPU, "--beam", "1"]
    small = [item for key in [*SHORT, "train.steps=20", "train.validate_every=10"] for item in ("--set", key)]
    for name, options in {
        "bahdanau": ["model.embed_size=8", "model.hidden_size=8", "model.dropout=0", "model.attention.coverage=true"],
        "transformer-tiny": [
            "model.width=8", "model.ff_size=8", "model.heads=2", "model.encoder_layers=1", "model.decoder_layers=2",
            "model.dropout=0", "train.guided_weight=1", "train.guided_file=corpus/train.align", "train.accumulate=2",
            "train.schedule=noam",
        ],
    }.items():  # fmt: skip
        own = [item for key in options for item in ("--set", key)]
        command = ["train", "--preset", name, *TOY, *small, *own, "--out", "{out}/model"]
        yield Case(f"train {name}", [command, info], ignore=machine_dependent)
    resume = ["train", "--resume", "--out", "{out}/unfinished"]
    info, translate = ([arg.replace("/model", "/unfinished") for arg in args] for args in (info, translate))
    yield Case(
        "train resume", [resume, info, translate],
        copies=["models/unfinished"], compared=2, ignore=machine_dependent,
    )  # fmt: skip


def write_inputs() -> None:
    """Writes the lines to translate, and links in every notation."""
    texts = {
        "lines.en": LINES,
        "lines.fr": FRENCH,
        "few.en": [LINES[0], LINES[3], LINES[4]],
        "few.fr": [FRENCH[0], FRENCH[2], FRENCH[3]],
        "doubtful.en": [line for line in LINES if line != ENDLESS],
        "seen.en": [src for src, _, _ in pairs(40, seed=3)[:12]] + ["", LINES[7]],
        "odd.gold": ["1-1 2p2 3?3", "1-2", "", "2-2 2p3"],
        "odd.links": ["0-0 1-1", "1-1", "0-0", "1-1 1-2"],
    }
    for name, lines in texts.items():
        (HERE / "corpus" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_record() -> None:
    """Runs every case and records what it prints."""
    write_inputs()
    entries = []
    for case in cases():
        with tempfile.TemporaryDirectory() as out, working_directory(HERE):
            entries.append({"case": asdict(case), **case.play(Path(out))})
            print(case.name)
    written_by = {name: version(name) for name in ("regard", "torch")}
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    RECORD.write_text(f'{{"written_by": {json.dumps(written_by)}, "cases": [\n{lines}\n]}}\n', encoding="utf-8")


def compare_perturbed(size: float, seed: int) -> int:
    """Compares the record with the output of models whose weights are slightly changed.

    Args:
        size: Standard deviation of the relative changes.
        seed: Seed of the changes.

    Returns:
        Number of cases that differ.
    """
    num_different, record = 0, RECORD.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as temporary:
        perturbed = Path(temporary) / "golden"
        shutil.copytree(HERE, perturbed)
        for name in MODELS:
            old_signature, new_signature = perturb_model(perturbed / "models" / name, size, seed)
            record = record.replace(old_signature, new_signature)
        for entry in json.loads(record)["cases"]:
            case = Case(**{**entry["case"], "tolerance": max(200 * size, entry["case"]["tolerance"])})
            exports = [name for name in EXPORTS for args in case.commands if f"models/{name}" in args]
            if exports or case.name.startswith(("export", "info", "phrasebook", "train")):
                continue
            with tempfile.TemporaryDirectory() as out, working_directory(perturbed):
                found = case.differences(entry, case.play(Path(out)))
            for line in found:
                print(f"{case.name}: {line}")
            num_different += bool(found)
    return num_different


def perturb_model(directory: Path, size: float, seed: int) -> tuple[str, str]:
    """Replaces a stored model by one with slightly changed weights; returns the old and the new signature."""
    import torch

    from regard.store import load_model, save_model

    stored = load_model(directory)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in stored.model.parameters():
            parameter.mul_(1 + size * torch.randn(parameter.shape, generator=generator))
    shutil.rmtree(directory)
    save_model(
        directory,
        model=stored.model,
        config=stored.config,
        src_subword=stored.src_subword,
        tgt_subword=stored.tgt_subword,
    )
    return stored.manifest.signature, load_model(directory).manifest.signature


def main() -> int:
    """Runs what the options ask for; the exit status is 1 if part of the record is close to a threshold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="*", metavar="NAME", help="train all models, or those named; takes minutes")
    parser.add_argument("--record", action="store_true", help="record what the commands print")
    parser.add_argument("--perturb", type=int, nargs="?", const=3, metavar="TIMES", help="number of random changes")
    options = parser.parse_args()
    if options.models is not None:
        make_models(options.models)
    if options.record:
        write_record()
    return int(sum(compare_perturbed(1e-4, seed) for seed in range(options.perturb or 0)) > 0)


if __name__ == "__main__":
    sys.exit(main())
