"""Systems of a lab must differ, and all their options must have an effect."""

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
def test_built_in_labs_compare_different_systems(name: str) -> None:
    assert set(system_configs(load_lab(name))) == set(load_lab(name).systems)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([], []),
        (["model.attention.score=concat"], ["model.attention.score=additive"]),
        (["model.width=64", "model.kind=transformer"], ["model.kind=transformer", "model.width=64"]),
        (["train.warmup=20"], ["train.warmup=30"]),
        (["train.schedule=noam"], ["train.schedule=inverse-sqrt"]),
        (["model.decoder=plain"], ["model.decoder=plain", "model.dropout=0.2"]),
    ],
)
def test_two_equal_systems_are_refused(first: list[str], second: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"systems\.b: has the same options in effect as systems\.a"):
        system_configs(lab({"a": first, "b": second, "c": ["model.cell=rnn"]}))


def test_a_system_with_an_option_without_effect_is_refused() -> None:
    systems = {"plain": ["model.decoder=plain"], "coverage": ["model.decoder=plain", "model.attention.coverage=true"]}
    with pytest.raises(ConfigError, match=r"systems\.coverage: .*model\.attention\.coverage = true has no effect"):
        system_configs(lab(systems))


@pytest.mark.parametrize(
    ("option", "budget", "reason"),
    [
        ("train.seed=3", "", "the lab sets it: use `seeds`"),
        ("train.tensorboard=true", "", "the lab's report has its own learning curves"),
        ("search.beam=2", "", r"all systems are tested with the same beam: use `measure\.beam`"),
        ("data.src=a", "", "all systems use the lab's corpus"),
        ("train.steps=5", "steps = 9", "the lab's budget sets it"),
        ("train.epochs=5", "tokens = 9", "the lab's budget sets it"),
        ("train.max_minutes=5", "steps = 9", r"the lab's budget sets it: use `budget\.minutes`"),
    ],
)
def test_options_that_the_lab_sets_are_refused(option: str, budget: str, reason: str) -> None:
    systems = {"a": [], "b": ["model.cell=rnn"]}
    with pytest.raises(ConfigError, match=rf"base\.set: {option} has no effect in a lab: {reason}"):
        system_configs(lab(systems, base=f'set = ["{option}"]', budget=budget))
    with pytest.raises(ConfigError, match=rf"systems\.b: {option} has no effect in a lab: {reason}"):
        system_configs(lab({"a": [], "b": ["model.cell=rnn", option]}, budget=budget))


def test_without_a_budget_systems_may_set_their_steps() -> None:
    configs = system_configs(lab({"a": ["train.steps=5"], "b": ["train.steps=6"]}, budget=""))
    assert [config.train.steps for config in configs.values()] == [5, 6]


@pytest.mark.parametrize(
    ("option", "systems", "reason"),
    [
        (
            "model.attention.size=9",
            {"a": [], "b": ["model.decoder=plain"]},
            "'general' has no hidden layer|has no atten",
        ),
        ("model.cell=gru", {"a": ["model.kind=transformer"]}, "no system has that kind of model"),
        ("train.guided_file=links", {"a": []}, r"train\.guided_weight = 0"),
    ],
)
def test_common_options_without_effect_are_refused(option: str, systems: dict[str, list[str]], reason: str) -> None:
    with pytest.raises(ConfigError, match=rf"base\.set: {option} has no effect in any system: .*({reason})"):
        system_configs(lab(systems, base=f'set = ["{option}"]'))


def test_common_options_with_effect_in_one_system_are_accepted() -> None:
    systems = {"a": ["model.decoder=bahdanau", "model.attention.score=additive"], "b": ["model.decoder=plain"],
               "c": ["model.kind=transformer"]}  # fmt: skip
    system_configs(lab(systems, base='set = ["model.attention.size=9", "model.attention.coverage=false"]'))


def test_a_system_with_an_impossible_model_is_refused() -> None:
    message = r"systems\.b: model\.hidden_size is divided among the heads.*512 with 3 heads"
    with pytest.raises(ConfigError, match=message):
        system_configs(lab({"a": [], "b": ["model.attention.heads=3"]}))
