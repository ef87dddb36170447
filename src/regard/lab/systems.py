"""Checks that no two systems of a lab train the same model, and that all options have an effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from regard.config.interactions import canonical, flattened, has_no_effect
from regard.config.schema import Config
from regard.errors import ConfigError, RegardError
from regard.lab.load import system_config
from regard.lab.schema import BudgetConfig, Lab
from regard.recipes.feasibility import check_feasible

_SET_BY_LAB = {
    "train.seed": "the lab sets it: use `seeds`",
    "train.tensorboard": "the lab's report has its own learning curves: leave it out",
    "search.beam": "all systems are tested with the same beam: use `measure.beam`",
    **dict.fromkeys(
        ("data.src", "data.tgt", "data.val_src", "data.val_tgt"),
        "all systems use the lab's corpus: name the files under `corpus`",
    ),
}
"""Options that the lab sets for all its systems, with the reason."""


def system_configs(lab: Lab) -> dict[str, Config]:
    """Builds the configurations of all systems of a lab, and checks that no two of them train the same model.

    Args:
        lab: Description of the lab.

    Returns:
        Configuration of each system, from `system_config`, by name of the system.

    Raises:
        ConfigError: An option is invalid or has no effect, or the configurations of two systems have the same effect.
    """
    configs = {system: system_config(lab, system) for system in lab.systems}
    messages = [
        *_infeasible_systems(configs),
        *_options_set_by_lab(lab),
        *_options_without_effect(lab, configs),
        *_equal_systems(lab, configs),
    ]
    if messages:
        raise ConfigError("\n".join(messages))
    return configs


def _infeasible_systems(configs: Mapping[str, Config]) -> Iterator[str]:
    for name, config in configs.items():
        try:
            check_feasible(config)
        except RegardError as error:
            yield f"systems.{name}: {error}"


def _key(option: str) -> str:
    return option.partition("=")[0].strip()


def _options_set_by_lab(lab: Lab) -> Iterator[str]:
    reasons = dict(_SET_BY_LAB)
    if lab.budget.steps or lab.budget.tokens:
        reasons |= dict.fromkeys(("train.steps", "train.epochs"), "the lab's budget sets it: use `budget`")
    if lab.budget != BudgetConfig():
        reasons["train.max_minutes"] = "the lab's budget sets it: use `budget.minutes`"
    for where, options in (("base.set", lab.base.set), *((f"systems.{name}", of) for name, of in lab.systems.items())):
        for option in options:
            if _key(option) in reasons:
                yield f"{where}: {option} has no effect in a lab: {reasons[_key(option)]}"


def _options_without_effect(lab: Lab, configs: Mapping[str, Config]) -> Iterator[str]:
    """Common options that have no effect in any system."""
    values, reasons = (
        [flattened(config) for config in configs.values()],
        [has_no_effect(config) for config in configs.values()],
    )
    defaults = [flattened(Config(model=type(config.model)())) for config in configs.values()]
    for option in lab.base.set:
        key = _key(option)
        has_effect = [
            key in value and (key not in reason or value[key] == default[key])
            for value, reason, default in zip(values, reasons, defaults, strict=True)
        ]
        is_single_option = any(key in value for value in values) or key.startswith("model.")  # not a whole table
        if is_single_option and not any(has_effect):
            why = next((reason[key] for reason in reasons if key in reason), "no system has that kind of model")
            yield f"base.set: {option} has no effect in any system: {why}"


def _equal_systems(lab: Lab, configs: Mapping[str, Config]) -> Iterator[str]:
    first: dict[str, str] = {}
    for name, config in configs.items():
        steps = lab.budget.steps or config.train.steps
        planned = config.model_copy(update={"train": config.train.model_copy(update={"steps": steps})})
        options = canonical(planned).model_dump_json()
        if options in first:
            yield (
                f"systems.{name}: has the same options in effect as systems.{first[options]}: change or remove one of "
                "these systems"
            )
        first.setdefault(options, name)
