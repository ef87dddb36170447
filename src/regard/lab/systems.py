"""Whether the systems of a lab are different ones, and what is said of them counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from regard.config.interactions import canonical, flattened, has_no_effect
from regard.config.schema import Config
from regard.errors import ConfigError, RegardError
from regard.lab.load import system_config
from regard.lab.schema import BudgetConfig, Lab
from regard.recipes.feasibility import check_feasible

_DECIDED = {
    "train.seed": "the lab's seeds decide: set them with `seeds`",
    "train.tensorboard": "a lab draws its own curves",
    "search.beam": "all systems are judged with the same beam: set it with `measure.beam`",
    **dict.fromkeys(
        ("data.src", "data.tgt", "data.val_src", "data.val_tgt"),
        "all systems read the lab's corpus: name it under `corpus`",
    ),
}
"""Options that a lab decides for all its systems, whatever these say."""


def system_configs(lab: Lab) -> dict[str, Config]:
    """The configurations of all systems, which must differ in something that counts.

    Args:
        lab: The lab.

    Returns:
        By name, as `system_config` gives them.

    Raises:
        ConfigError: An option is wrong, or counts for nothing; or two systems would be one.
    """
    configs = {system: system_config(lab, system) for system in lab.systems}
    wrong = [*_impossible(configs), *_decided(lab), *_useless(lab, configs), *_twins(lab, configs)]
    if wrong:
        raise ConfigError("\n".join(wrong))
    return configs


def _impossible(configs: Mapping[str, Config]) -> Iterator[str]:
    for name, config in configs.items():
        try:
            check_feasible(config)
        except RegardError as error:
            yield f"systems.{name}: {error}"


def _key(option: str) -> str:
    return option.partition("=")[0].strip()


def _decided(lab: Lab) -> Iterator[str]:
    decided = dict(_DECIDED)
    if lab.budget.steps or lab.budget.tokens:
        decided |= dict.fromkeys(("train.steps", "train.epochs"), "the lab's budget decides: set it under `budget`")
    if lab.budget != BudgetConfig():
        decided["train.max_minutes"] = "the lab's budget decides: set `budget.minutes`"
    for where, options in (("base.set", lab.base.set), *((f"systems.{name}", of) for name, of in lab.systems.items())):
        for option in options:
            if _key(option) in decided:
                yield f"{where}: {option} has no effect in a lab: {decided[_key(option)]}"


def _useless(lab: Lab, configs: Mapping[str, Config]) -> Iterator[str]:
    """What is said of all systems must count for one of them."""
    values, reasons = (
        [flattened(config) for config in configs.values()],
        [has_no_effect(config) for config in configs.values()],
    )
    defaults = [flattened(Config(model=type(config.model)())) for config in configs.values()]
    for option in lab.base.set:
        key = _key(option)
        counts = [
            key in value and (key not in why or value[key] == default[key])
            for value, why, default in zip(values, reasons, defaults, strict=True)
        ]
        named = any(key in one for one in values) or key.startswith("model.")  # and no whole table
        if named and not any(counts):
            why = next((reason[key] for reason in reasons if key in reason), "none of them is of that kind of model")
            yield f"base.set: {option} has no effect in any system: {why}"


def _twins(lab: Lab, configs: Mapping[str, Config]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for name, config in configs.items():
        steps = lab.budget.steps or config.train.steps
        planned = config.model_copy(update={"train": config.train.model_copy(update={"steps": steps})})
        spelled = canonical(planned).model_dump_json()
        if spelled in seen:
            yield f"systems.{name}: would train just what systems.{seen[spelled]} does: remove one, or change it"
        seen.setdefault(spelled, name)
