"""Tables of the types of parts that an engine can run; other types are refused by name."""

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
    """How an engine runs each type of part in one family.

    A part is found by its exact type: a subclass may compute something else. A part that is a plain function, such as
    a normalizer, is its own key.

    Args:
        engine: Engine that runs the parts.
        family: Name of the family in messages, such as `score`.
        entries: Entry per type, or per function.
    """

    def __init__(self, engine: EngineName, family: str, entries: Mapping[object, EntryT]) -> None:
        self._engine = engine
        self._family = family
        self._entries = entries

    def find(self, part: object) -> EntryT:
        """Finds the entry of a part.

        Args:
            part: Module, function or object of the model.

        Returns:
            Entry of its type.

        Raises:
            ConfigError: The engine cannot run parts of this type; the message names the type and those it can run.
        """
        key: object = part if isinstance(part, FunctionType) else type(part)
        if key not in self._entries:
            raise unsupported_part(self._engine, self._family, part, [_name(known) for known in self._entries])
        return self._entries[key]


def exact(part: object, kind: type[PartT], *, engine: EngineName, family: str) -> PartT:
    """Checks a part for which an engine knows one type only.

    Args:
        part: Module or object of the model.
        kind: The type.
        engine: Engine that runs the part.
        family: Name of the part in messages, such as `decoder layer`.

    Returns:
        The part itself.

    Raises:
        ConfigError: The part is of another type, or of a subclass.
    """
    if not isinstance(part, kind) or type(part) is not kind:
        raise unsupported_part(engine, family, part, [kind.__name__])
    return part


def entry_of(entries: Mapping[str, EntryT], value: str, *, engine: EngineName, option: str) -> EntryT:
    """Finds how an engine runs one value of an option.

    Args:
        entries: Entry per value.
        value: Value in the `[model]` section.
        engine: The engine.
        option: Key of the `[model]` section, for messages.

    Returns:
        Entry of the value.

    Raises:
        ConfigError: The engine cannot run this value.
    """
    if value not in entries:
        expected = ", ".join(map(repr, entries))
        raise ConfigError(
            f"{engine_name(engine)} cannot run this model: expected model.{option} to be one of {expected}, got "
            f"{value!r}: translate with regard's own engine, or train a model with one of these"
        )
    return entries[value]


def unsupported_part(engine: EngineName, family: str, part: object, expected: list[str]) -> ConfigError:
    """Error for a part that an engine cannot run.

    Args:
        engine: The engine.
        family: Name of the part in messages.
        part: The part.
        expected: Names of what the engine can run in its place.

    Returns:
        The error, to be raised.
    """
    name = _name(part if isinstance(part, FunctionType) else type(part))
    choices = expected[0] if len(expected) == 1 else f"one of {', '.join(sorted(expected))}"
    return ConfigError(
        f"{engine_name(engine)} cannot run this model: its {family} is {name}, expected {choices}: translate with "
        "regard's own engine, or build the model from parts that this engine can run"
    )


def _name(key: object) -> str:
    return str(getattr(key, "__name__", key))
