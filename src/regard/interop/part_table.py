"""Tables of the module classes that another engine can run; an error names any other class."""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import Generic, TypeVar

from regard.config.engines import engine_name
from regard.config.schema import EngineName
from regard.errors import ConfigError

EntryT = TypeVar("EntryT")
PartT = TypeVar("PartT")


class PartTable(Generic[EntryT]):
    """Table of the classes of one kind of module, such as attention scores, that an engine can run.

    Each class has an entry, such as the function that exports modules of the class. A module is looked up by its exact
    class, because a subclass may compute something else. A plain function, such as a normalizer, is looked up by
    itself.

    Args:
        engine: Engine that runs the modules, for messages.
        family: Name of the kind of module for messages, such as `score`.
        entries: Entries by class, or by function.
    """

    def __init__(self, engine: EngineName, family: str, entries: Mapping[object, EntryT]) -> None:
        self._engine = engine
        self._family = family
        self._entries = entries

    def find(self, part: object) -> EntryT:
        """Looks up how this table's engine runs a part of a model, by the exact class of the part.

        Args:
            part: Module or other object of the model, which is looked up by its class, or a plain function, which is
                looked up by itself.

        Returns:
            The table's entry for this class or function, such as a function that exports modules of the class.

        Raises:
            ConfigError: The table has no such entry, so the engine cannot run the part; the message names its class and
                the classes that the engine can run.
        """
        key: object = part if isinstance(part, FunctionType) else type(part)
        if key not in self._entries:
            raise unsupported_part(self._engine, self._family, part, [_name(known) for known in self._entries])
        return self._entries[key]


def exact(part: object, kind: type[PartT], *, engine: EngineName, family: str) -> PartT:
    """Checks that a module has exactly the class that an engine can run, not a subclass.

    Args:
        part: Module or object of the model.
        kind: The class that the engine can run.
        engine: Engine that runs the module, for messages.
        family: Name of the kind of module for messages, such as `decoder layer`.

    Returns:
        The module itself.

    Raises:
        ConfigError: The module is of another class, or of a subclass of `kind`.
    """
    if not isinstance(part, kind) or type(part) is not kind:
        raise unsupported_part(engine, family, part, [kind.__name__])
    return part


def entry_of(entries: Mapping[str, EntryT], value: str, *, engine: EngineName, option: str) -> EntryT:
    """Looks up what the value of a `[model]` option means for another engine.

    Args:
        entries: What each supported value means for the engine, such as the engine's name of an activation function.
        value: Value of the option in the model's configuration.
        engine: The engine, for messages.
        option: Key of the option in `[model]`, for messages.

    Returns:
        What the value means for the engine, from `entries`.

    Raises:
        ConfigError: The engine does not support this value of the option.
    """
    if value not in entries:
        expected = ", ".join(map(repr, entries))
        raise ConfigError(
            f"{engine_name(engine)} cannot run this model: expected model.{option} to be one of {expected}, got "
            f"{value!r}: translate with regard's own engine, or train a model with one of these"
        )
    return entries[value]


def unsupported_part(engine: EngineName, family: str, part: object, expected: list[str]) -> ConfigError:
    """Makes the error for a module that an engine cannot run.

    Args:
        engine: The engine.
        family: Name of the kind of module, such as `score`.
        part: The module, function or object that the engine cannot run.
        expected: Names of the classes that the engine can run at this place of a model.

    Returns:
        The error to raise.
    """
    name = _name(part if isinstance(part, FunctionType) else type(part))
    choices = expected[0] if len(expected) == 1 else f"one of {', '.join(sorted(expected))}"
    return ConfigError(
        f"{engine_name(engine)} cannot run this model: its {family} is {name}, expected {choices}: translate with "
        "regard's own engine, or build the model from parts that this engine can run"
    )


def _name(key: object) -> str:
    return str(getattr(key, "__name__", key))
