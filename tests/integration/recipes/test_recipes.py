"""Whole recipes on a toy language: back-translation and distillation, interrupted, continued and repeated."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from toy_training import Toy

from regard.config.schema import Config
from regard.errors import CheckpointError, ConfigError
from regard.recipes import back_translation
from regard.recipes.back_translation import BackTranslationOptions, back_translate
from regard.recipes.chunks.job import Workers
from regard.recipes.distillation import DistillationOptions, distill
from regard.recipes.training import train
from regard.store.model import open_model
from regard.train.interrupt import Interrupt
from regard.train.reporter import Reporters

pytestmark = pytest.mark.usefixtures("ready_workers")
PYTHON = sys.executable


class Messages(Reporters):
    """Keeps messages, and asks to stop when one begins with certain words."""

    def __init__(self, stops_at: str = "") -> None:
        super().__init__()
        self.texts: list[str] = []
        self.stops_at = stops_at
        self.interrupt = Interrupt()

    def on_message(self, text: str) -> None:
        """Keeps the message."""
        self.texts.append(text)
        if self.stops_at and text.startswith(self.stops_at):
            self.interrupt.request()

    def begun(self) -> list[str]:
        """Names of the stages that were run."""
        names = ("text", "reverse", "translate", "mixed", "final", "teach", "filter", "links", "student", "shortlist")
        return [text.split(":")[0] for text in self.texts if text.split(":")[0] in names]


class Silent:
    """Progress of chunks that is not shown."""

    def begin(self, finished: int, total: int) -> None:
        """Nothing."""

    def advance(self, num_lines: int) -> None:
        """Nothing."""


WORKERS = Workers(1, 1)


def back(config: Config, toy: Toy, *, stops_at: str = "", **changes: object) -> tuple[bool, Messages]:
    messages = Messages(stops_at)
    given: dict[str, object] = {"mono": (toy.directory / "mono.fr",), "workers": WORKERS, "final_epochs": 1.0}
    options = BackTranslationOptions(**(given | changes))  # type: ignore[arg-type] # the fields by name
    done = back_translate(
        config, options, toy.directory / "bt", reporter=messages, progress=Silent(), interrupt=messages.interrupt
    )
    return done, messages


@pytest.fixture
def mono(toy: Toy) -> Toy:
    """With 40 lines of target-language text, among them the validation targets and an empty line."""
    toy.write("mono", 40, seed=9)
    lines = (toy.directory / "mono.fr").read_text(encoding="utf-8")
    val = (toy.directory / "val.fr").read_text(encoding="utf-8")
    (toy.directory / "mono.fr").write_text(lines + "\n" + val, encoding="utf-8")
    return toy


def test_back_translation_from_text_to_model(mono: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", PYTHON)  # workers that load all modules themselves
    config = mono.config("data.langs=en-fr")
    done, messages = back(config, mono)
    assert done
    assert messages.begun() == ["text", "reverse", "translate", "mixed", "final"]
    recipe = mono.directory / "bt.recipe"
    mixed, reverse, final = (
        open_model(path).config for path in (recipe / "mixed", recipe / "reverse", recipe.with_name("bt"))
    )
    assert (reverse.data.langs, final.data.langs) == ("fr-en", "en-fr")
    real, synthetic = mixed.data.corpora
    assert (real.tag, synthetic.tag, real.weight) == (None, "<bt>", 1.0)
    assert final.train.parent == str(recipe / "mixed")
    kept = (recipe / "text" / "mono").read_text(encoding="utf-8").splitlines()
    val = (mono.directory / "val.fr").read_text(encoding="utf-8").splitlines()
    assert not set(kept) & set(val) and len(set(kept)) == len(kept)
    sources, targets = (
        (recipe / f"synthetic.{side}").read_text(encoding="utf-8").splitlines() for side in ("src", "tgt")
    )
    assert len(sources) == len(targets) and set(targets) <= set(kept)

    again, messages = back(config, mono, baseline=recipe / "mixed")  # everything is there
    assert again and messages.begun() == []
    assert any("baseline       new    change" in text for text in messages.texts)
    again, messages = back(config, mono, final_epochs=2.0)
    assert again and messages.begun() == ["final"]


@pytest.mark.parametrize("stage", ["translate", "mixed"])
def test_an_interrupted_back_translation_continues(mono: Toy, stage: str) -> None:
    config = mono.config()
    done, messages = back(config, mono, stops_at=f"{stage}: ")
    assert not done and messages.begun()[-1] == stage
    assert messages.texts[-1].startswith("stopped; what is finished is kept in ")
    done, messages = back(config, mono)
    assert done and messages.begun()[0] == stage
    whole = open_model(mono.directory / "bt").manifest.signature
    for name in ("bt", "bt.recipe"):
        (mono.directory / name).rename(mono.directory / f"first-{name}")
    assert back(config, mono)[0]
    assert open_model(mono.directory / "bt").manifest.signature == whole  # as without the interruption


def test_a_given_reverse_model_and_sampling(mono: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    reverse = train(mono.config(), mono.directory / "any").path
    monkeypatch.setattr(back_translation, "SMALL", 100)  # fewer than the real pairs
    done, messages = back(mono.config(), mono, reverse=reverse, final_epochs=0.0, real_weight=2.0)
    assert done and messages.begun() == ["text", "translate", "mixed"]
    assert any("samples of the 10 best subwords" in text for text in messages.texts)
    assert open_model(mono.directory / "bt").config.data.corpora[0].weight == 2.0


def test_refusals(mono: Toy) -> None:
    train(mono.config(), mono.directory / "bt")
    with pytest.raises(CheckpointError, match="which does not exist: choose another --out"):
        back(mono.config(), mono)
    with pytest.raises(ConfigError, match="--src"):
        back(mono.config(files=("val_src", "val_tgt")), mono)
    with pytest.raises(ConfigError, match=r"train.guided_file = 'some.align'.*other pairs"):
        back(mono.config("train.guided_weight=0.2", "train.guided_file=some.align"), mono)
    with pytest.raises(ConfigError, match="--mono"):
        back(mono.config(), mono, mono=())
    with pytest.raises(ConfigError, match="--drop-worst"):
        DistillationOptions((mono.directory,), drop_worst=1.0)


def taught(config: Config, toy: Toy, options: DistillationOptions, stops_at: str = "") -> tuple[bool, Messages]:
    messages = Messages(stops_at)
    done = distill(
        config, options, toy.directory / "student", reporter=messages, progress=Silent(), interrupt=messages.interrupt
    )
    return done, messages


def test_distillation_from_teacher_to_table(toy: Toy) -> None:
    teacher = train(toy.config("train.steps=40"), toy.directory / "teacher").path
    config = toy.config("model.hidden_size=8")
    options = DistillationOptions(
        (teacher,), beam=3, n_best=2, drop_worst=0.1, guided=True, shortlist=True, workers=WORKERS
    )
    done, messages = taught(config, toy, options, stops_at="student: ")
    assert not done
    done, messages = taught(config, toy, options)
    assert done and messages.begun() == ["student", "shortlist"]
    student = open_model(toy.directory / "student")
    assert student.config.train.guided_weight == 0.2
    recipe = toy.directory / "student.recipe"
    sides = [(recipe / f"student.{side}").read_text(encoding="utf-8").splitlines() for side in ("src", "tgt", "links")]
    assert len({len(side) for side in sides}) == 1 and 0 < len(sides[0]) <= 108  # of 120, without a tenth
    table = messages.texts[-1].splitlines()
    assert [line.split("  ")[0].strip() for line in table[1:]] == [
        "teacher", "student", "student, greedy", "student, greedy, shortlist",
    ]  # fmt: skip
    assert table[1].endswith(" 1.0x")
    assert taught(config, toy, options)[1].begun() == []


def test_an_ensemble_teaches_and_references_are_added(toy: Toy) -> None:
    teachers = tuple(train(toy.config(f"train.seed={seed}"), toy.directory / f"t{seed}").path for seed in (1, 2))
    options = DistillationOptions(teachers, with_references=True, workers=WORKERS)
    done, messages = taught(toy.config(), toy, options)
    assert done and any("an ensemble of 2 teachers" in text for text in messages.texts)
    assert len(open_model(toy.directory / "student").config.data.corpora) == 2


def test_the_translation_closest_to_the_reference_is_chosen() -> None:
    from regard.recipes.distilling import choose_translation

    several = {
        "text": "un chat",
        "score": -1.0,
        "n_best": [{"text": "un chat", "score": -1.0}, {"text": "un chien", "score": -2.0}],
    }
    assert choose_translation(several, "un grand chien") == ("un chien", -2.0)
    assert choose_translation({"text": "un chat", "score": -1.0, "n_best": []}, "un chien") == ("un chat", -1.0)


def test_files_of_several_languages(tmp_path: Path) -> None:
    from regard.translation.loading import load, stored_directions, stored_languages

    toy = Toy(tmp_path)
    config = toy.config(files=("val_src", "val_tgt"))
    texts = {"src": str(toy.directory / "train.en"), "tgt": str(toy.directory / "train.fr")}
    data = {"corpora": [{**texts, "langs": "en-fr"}, {**texts, "langs": "en-de", "weight": 0.5}]}
    several = Config.model_validate({**config.model_dump(exclude_none=True), "data": data})
    path = train(several, tmp_path / "several").path
    assert open_model(path).manifest.details["languages"] == "en-fr, en-de"
    assert stored_directions(path) == (("en", "fr"), ("en", "de")) and stored_languages(path) is None
    translator = load(path)
    assert translator.languages.targets == ("fr", "de")
    assert translator.translate("one dog", to="de", source="en")[0].source == "one dog"
    [warned] = translator.translate("un chien", to="de", source="fr")
    assert "never trained on sentences in French" in warned.warnings[0]
