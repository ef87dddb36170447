"""Error messages for invalid values: one line per validation error of pydantic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from pydantic.fields import FieldInfo

from regard.config.did_you_mean import closest, did_you_mean
from regard.config.schema import Config, RNNConfig, Section, TransformerConfig
from regard.config.toml_text import Tree

_MODELS: dict[str, type[Section]] = {"rnn": RNNConfig, "transformer": TransformerConfig}
_TYPE_NAMES = {
    "bool": "true or false",
    "string": "text",
    "tuple": "a list",
    "finite": "a finite number",
    "direction": "two languages, such as en-fr",
    "tag": "a word that begins and ends with a sign, such as <web>",
    "encoding": "the name of an encoding, such as cp1252",
    "columns": 'two columns, such as ["en", "fr"] or [2, 3]',
}
_BOUNDS = ("greater_than_equal", "greater_than", "less_than_equal", "less_than")
_MAX_SHOWN = 60


def describe(
    loc: Sequence[int | str], kind: str, message: str, value: object, context: Mapping[str, object], tree: Tree
) -> tuple[tuple[str, ...], str]:
    """Converts a validation error of pydantic to an error message for the user.

    Args:
        loc: Location of the invalid value, pydantic's `loc`.
        kind: Kind of error, pydantic's `type`, such as `extra_forbidden`.
        message: Pydantic's own message, `msg`.
        value: The invalid value, pydantic's `input`.
        context: Further details of the error, pydantic's `ctx`.
        tree: The whole configuration as nested dictionaries; its `model.kind` determines which options exist.

    Returns:
        Parts of the dotted key of the invalid option, and the message.
    """
    path = _path(loc)
    key = _dotted(path)
    if kind == "missing" and isinstance(loc[-1], str):
        return path, f'{key} is missing: set it, such as {loc[-1]} = "train.en"'
    if kind == "extra_forbidden":
        return path, _unknown(path, tree)
    if kind in ("model_type", "model_attributes_type"):
        if path[-1].isdigit():
            return path, f'{key} must be a table, such as {{src = "train.tmx"}}, but is {_shown(value)}'
        return path, f"{key} is a section, but is set to a value ({_shown(value)}): set an option in it, {key}.NAME"
    if kind == "union_tag_invalid":
        model_kind = value.get("kind") if isinstance(value, dict) else value
        return (*path, "kind"), _choice(f"{key}.kind", model_kind, list(_MODELS))
    if kind == "literal_error":
        return path, _choice(key, value, _literals(context))
    return path, f"{key} must be {_expected(kind, message, _field(path, tree))}, but is {_shown(value)}"


def _path(loc: Sequence[int | str]) -> tuple[str, ...]:
    """Parts of the dotted key, without the tag that pydantic adds for a union and without the index of a number."""
    last = () if loc[-1:] and isinstance(loc[-1], int) and tuple(loc[-2:-1]) != ("corpora",) else loc[-1:]
    parts = [str(part) for part in (*loc[:-1], *last)]
    if parts[:1] == ["model"] and parts[1:2] and parts[1] in _MODELS:
        del parts[1]
    return tuple(parts)


def _dotted(path: Sequence[str]) -> str:
    """Dotted key for the user, who counts the entries of a list from 1: `data.corpora[1].weight`."""
    return "".join(f"[{int(part) + 1}]" if part.isdigit() else f".{part}" for part in path).removeprefix(".")


def _expected(kind: str, message: str, field: FieldInfo | None) -> str:
    if kind in ("too_short", "too_long", "missing"):
        return "a list of two numbers"
    type_name = kind.split("_")[0]
    if kind in _BOUNDS or type_name in ("int", "float", "finite", "number"):
        limits = bounds(field)
        whole = field is not None and int in _types(field.annotation)
        noun = "a whole number" if whole else _TYPE_NAMES.get(type_name, "a number")
        return f"{noun} {_range(limits)}".rstrip()
    return _TYPE_NAMES.get(type_name, f"a valid value ({message})")


def bounds(field: FieldInfo | None) -> dict[str, float]:
    """Range of a numeric option, or of the numbers in an option that is a list.

    Args:
        field: Pydantic's description of the option; None = unknown option.

    Returns:
        Limits of the value by pydantic's names: `ge` (at least), `gt` (more than), `le` (at most) and `lt` (less than),
        those that are set; empty if there is no range.

    >>> from regard.config.schema import SearchConfig
    >>> bounds(SearchConfig.model_fields["beam"])
    {'ge': 1, 'le': 1000}
    """
    parts = [] if field is None else [*field.metadata, *_metadata(field.annotation)]
    limits = [(name, getattr(part, name, None)) for part in parts for name in ("ge", "gt", "le", "lt")]
    return {name: limit for name, limit in limits if limit is not None}


def _types(annotation: object) -> Iterator[object]:
    """An annotation and all types nested in it."""
    yield annotation
    for part in get_args(annotation):
        yield from _types(part)


def _metadata(annotation: object) -> Iterator[object]:
    """Metadata of the types nested in an annotation, such as the range of `int` in `int | None`."""
    for part in _types(annotation):
        if isinstance(part, FieldInfo):
            yield from part.metadata


def _range(limits: Mapping[str, float]) -> str:
    if "ge" in limits and "le" in limits:
        return f"from {_number(limits['ge'])} to {_number(limits['le'])}"
    words = {"gt": "more than", "ge": "of at least", "lt": "less than", "le": "at most"}
    return " and ".join(f"{words[name]} {_number(limits[name])}" for name in words if name in limits)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.15g}"


def _choice(key: str, value: object, choices: Sequence[str]) -> str:
    suggestion = closest(str(value), choices)
    hint = f"; did you mean {suggestion!r}?" if suggestion else ""
    return f"{key} must be one of {', '.join(choices)}, but is {_shown(value)}{hint}"


def _literals(context: Mapping[str, object]) -> list[str]:
    listed = str(context["expected"]).replace(" or ", ", ")
    return [choice.strip("'") for choice in listed.split(", ")]


def _unknown(path: tuple[str, ...], tree: Tree) -> str:
    key, where = _dotted(path), _dotted(path[:-1])
    section = _section(path[:-1], tree)
    siblings = list(section.model_fields) if section else []
    known = [*_keys(Config, ()), *_keys(RNNConfig, ("model",)), *_keys(TransformerConfig, ("model",))]
    if path in known:
        kind = "transformer" if section is RNNConfig else "rnn"
        return f"'{key}' is an option of model.kind = {kind!r} only: leave it out, or set model.kind"
    suggestion = (
        _ending_in(path[-1], known) or _sibling(path, siblings) or _ending_in(_similar_name(path[-1], known), known)
    )
    if suggestion:
        return f"unknown key '{key}': did you mean '{_dotted(suggestion)}'?"
    inside = f" in [{where}]" if where else ""
    return f"unknown key '{key}'{inside}{did_you_mean(path[-1], siblings)}"


def _sibling(path: tuple[str, ...], siblings: Sequence[str]) -> tuple[str, ...] | None:
    suggestion = closest(path[-1], siblings)
    return (*path[:-1], suggestion) if suggestion else None


def _similar_name(name: str, known: Sequence[tuple[str, ...]]) -> str | None:
    return closest(name, {path[-1] for path in known})


def _ending_in(name: str | None, known: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
    return next((path for path in known if path[-1] == name), None)


def _keys(section: type[Section], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, field in section.model_fields.items():
        yield (*path, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _keys(field.annotation, (*path, name))


def _section(path: Sequence[str], tree: Tree) -> type[Section] | None:
    """Class of the section at a path; `model.kind` decides which class `model` is."""
    section: type[Section] = Config
    for part in path:
        if part.isdigit():  # the section is that of the list
            continue
        field = section.model_fields.get(part)
        if part == "model" and section is Config:
            model = tree.get("model")
            section = _MODELS.get(str(model.get("kind")), RNNConfig) if isinstance(model, dict) else RNNConfig
        elif inner := _section_of(field):
            section = inner
        else:
            return None
    return section


def _section_of(field: FieldInfo | None) -> type[Section] | None:
    """Class of the section that an option is, or of those in a list."""
    types = () if field is None else (field.annotation, *get_args(field.annotation))
    return next((kind for kind in types if isinstance(kind, type) and issubclass(kind, Section)), None)


def _field(path: Sequence[str], tree: Tree) -> FieldInfo | None:
    section = _section(path[:-1], tree)
    return section.model_fields.get(path[-1]) if section else None


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, int) and abs(value) >= 10**_MAX_SHOWN:
        return "a number with too many digits"  # Python may refuse to print it
    shown = repr(value)
    return shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…"
