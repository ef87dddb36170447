"""Systems of a lab must differ, and what is said of them must count."""

from __future__ import annotations

import pytest

from regard.errors import ConfigError
from regard.lab.load import lab_names, load_lab, parse_lab
from regard.lab.schema import Lab
from regard.lab.systems import system_configs


def lab(systems: dict[str, list[str]], *, base: str = "", budget: str = "steps = 9") -> Lab:
    lines = "\n".join(f'"{name}" = {options!r}' for name, options in systems.items())
    first = next(iter(systems))
    text = f'baseline = "{first}"\n[corpus]\nphrasebook = "en-fr"\n[budget]\n{budget}\n[base]\n{base}\n'
    return parse_lab(f"{text}[systems]\n{lines}\n", where="lab")


@pytest.mark.parametrize("name", lab_names())
def test_ready_made_labs_compare_different_systems(name: str) -> None:
    assert set(system_configs(load_lab(name))) == set(load_lab(name).systems)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([], []),
        (["model.attention.score=concat"], ["model.attention.score=additive"]),
        (["model.width=64", "model.kind=transformer"], ["model.kind=transformer", "model.width=64"]),
        (["train.warmup=20"], ["train.warmup=30"]),
        (["train.schedule=noam"], ["train.schedule=inverse-sqrt"]),
        (["model.decoder=plain"], ["model.decoder=plain", "model.dropout=0.2"]),
    ],
)
def test_two_systems_that_are_one_are_refused(one: list[str], other: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"systems\.b: would train just what systems\.a does"):
        system_configs(lab({"a": one, "b": other, "c": ["model.cell=rnn"]}))


def test_systems_with_something_that_does_not_count_are_refused() -> None:
    systems = {"plain": ["model.decoder=plain"], "covering": ["model.decoder=plain", "model.attention.coverage=true"]}
    with pytest.raises(ConfigError, match=r"systems\.covering: .*model\.attention\.coverage = true has no effect"):
        system_configs(lab(systems))


@pytest.mark.parametrize(
    ("option", "budget", "told"),
    [
        ("train.seed=3", "", "the lab's seeds decide"),
        ("train.tensorboard=true", "", "a lab draws its own curves"),
        ("search.beam=2", "", r"all systems are judged with the same beam: set it with `measure\.beam`"),
        ("data.src=a", "", "all systems read the lab's corpus"),
        ("train.steps=5", "steps = 9", "the lab's budget decides"),
        ("train.epochs=5", "tokens = 9", "the lab's budget decides"),
        ("train.max_minutes=5", "steps = 9", r"the lab's budget decides: set `budget\.minutes`"),
    ],
)
def test_what_a_lab_decides_cannot_be_set(option: str, budget: str, told: str) -> None:
    systems = {"a": [], "b": ["model.cell=rnn"]}
    with pytest.raises(ConfigError, match=rf"base\.set: {option} has no effect in a lab: {told}"):
        system_configs(lab(systems, base=f'set = ["{option}"]', budget=budget))
    with pytest.raises(ConfigError, match=rf"systems\.b: {option} has no effect in a lab: {told}"):
        system_configs(lab({"a": [], "b": ["model.cell=rnn", option]}, budget=budget))


def test_a_length_without_a_budget_is_the_systems_own() -> None:
    configs = system_configs(lab({"a": ["train.steps=5"], "b": ["train.steps=6"]}, budget=""))
    assert [one.train.steps for one in configs.values()] == [5, 6]


@pytest.mark.parametrize(
    ("option", "systems", "told"),
    [
        (
            "model.attention.size=9",
            {"a": [], "b": ["model.decoder=plain"]},
            "'general' has no hidden layer|has no atten",
        ),
        ("model.cell=gru", {"a": ["model.kind=transformer"]}, "none of them is of that kind of model"),
        ("train.guided_file=links", {"a": []}, r"train\.guided_weight = 0"),
    ],
)
def test_what_is_said_of_all_must_count_for_one(option: str, systems: dict[str, list[str]], told: str) -> None:
    with pytest.raises(ConfigError, match=rf"base\.set: {option} has no effect in any system: .*({told})"):
        system_configs(lab(systems, base=f'set = ["{option}"]'))


def test_what_counts_for_one_may_be_said_of_all() -> None:
    systems = {"a": ["model.decoder=bahdanau", "model.attention.score=additive"], "b": ["model.decoder=plain"],
               "c": ["model.kind=transformer"]}  # fmt: skip
    system_configs(lab(systems, base='set = ["model.attention.size=9", "model.attention.coverage=false"]'))


def test_a_model_that_cannot_be_is_told_of_first() -> None:
    told = r"systems\.b: model\.hidden_size is shared by the heads.*512 with 3 heads"
    with pytest.raises(ConfigError, match=told):
        system_configs(lab({"a": [], "b": ["model.attention.heads=3"]}))
