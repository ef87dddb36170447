"""What is wrong with a value, in words: one line for each finding of the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from pydantic.fields import FieldInfo

from regard.config.did_you_mean import did_you_mean, closest
from regard.config.schema import Config, RNNConfig, Section, TransformerConfig
from regard.config.toml_text import Tree

_MODELS: dict[str, type[Section]] = {"rnn": RNNConfig, "transformer": TransformerConfig}
_KINDS = {
    "bool": "true or false",
    "string": "text",
    "tuple": "a list",
    "finite": "a finite number",
}
_BOUNDS = ("greater_than_equal", "greater_than", "less_than_equal", "less_than")
_LONGEST = 60


def describe(
    loc: Sequence[int | str], fault: str, message: str, got: object, context: Mapping[str, object], tree: Tree
) -> tuple[tuple[str, ...], str]:
    """Puts one finding of pydantic's into a line for the user.

    Args:
        loc: Where in the tree pydantic found it.
        fault: Pydantic's name of the kind of error.
        message: Pydantic's own words.
        got: The value that was found.
        context: Numbers and names that belong to the finding.
        tree: The whole tree, to tell which kind of model it is about.

    Returns:
        The key's parts, and what is wrong with it.
    """
    path = _path(loc)
    key = ".".join(path)
    if fault == "extra_forbidden":
        return path, _unknown(path, tree)
    if fault in ("model_type", "model_attributes_type"):
        return path, f"{key} is a section, but a value stands there ({_shown(got)}): set a key within it, {key}.…"
    if fault == "union_tag_invalid":
        kind = got.get("kind") if isinstance(got, dict) else got
        return (*path, "kind"), _choice(f"{key}.kind", kind, list(_MODELS))
    if fault == "literal_error":
        return path, _choice(key, got, _literals(context))
    return path, f"{key} must be {_expected(fault, message, _field(path, tree))}, but is {_shown(got)}"


def _path(loc: Sequence[int | str]) -> tuple[str, ...]:
    """The dotted key: without the tag that pydantic puts behind a union, and without places in a list."""
    parts = [part for part in loc if isinstance(part, str)]
    if parts[:1] == ["model"] and parts[1:2] and parts[1] in _MODELS:
        del parts[1]
    return tuple(parts)


def _expected(fault: str, message: str, field: FieldInfo | None) -> str:
    if fault in ("too_short", "too_long", "missing"):
        return "a list of two numbers"
    kind = fault.split("_")[0]
    if fault in _BOUNDS or kind in ("int", "float", "finite", "number"):
        limits = bounds(field)
        whole = field is not None and int in _types(field.annotation)
        named = "a whole number" if whole else _KINDS.get(kind, "a number")
        return f"{named} {_range(limits)}".rstrip()
    return _KINDS.get(kind, f"otherwise ({message})")


def bounds(field: FieldInfo | None) -> dict[str, float]:
    """The range of a number, or of the numbers of a list.

    Args:
        field: An option of the schema.

    Returns:
        Any of `ge`, `gt`, `le` and `lt`; empty where there is no range.

    >>> from regard.config.schema import SearchConfig
    >>> bounds(SearchConfig.model_fields["beam"])
    {'ge': 1, 'le': 1000}
    """
    parts = [] if field is None else [*field.metadata, *_metadata(field.annotation)]
    limits = [(name, getattr(part, name, None)) for part in parts for name in ("ge", "gt", "le", "lt")]
    return {name: limit for name, limit in limits if limit is not None}


def _types(annotation: object) -> Iterator[object]:
    """The types that an annotation is made of."""
    yield annotation
    for part in get_args(annotation):
        yield from _types(part)


def _metadata(annotation: object) -> Iterator[object]:
    """What stands beside the types within an annotation, such as `int` in `int | None`."""
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


def _choice(key: str, got: object, choices: Sequence[str]) -> str:
    close = closest(str(got), choices)
    hint = f"; did you mean {close!r}?" if close else ""
    return f"{key} must be one of {', '.join(choices)}, but is {_shown(got)}{hint}"


def _literals(context: Mapping[str, object]) -> list[str]:
    listed = str(context["expected"]).replace(" or ", ", ")
    return [choice.strip("'") for choice in listed.split(", ")]


def _unknown(path: tuple[str, ...], tree: Tree) -> str:
    key, where = ".".join(path), ".".join(path[:-1])
    section = _section(path[:-1], tree)
    siblings = list(section.model_fields) if section else []
    known = [*_keys(Config, ()), *_keys(RNNConfig, ("model",)), *_keys(TransformerConfig, ("model",))]
    if path in known:
        kind = "transformer" if section is RNNConfig else "rnn"
        return f"'{key}' is an option of model.kind = {kind!r}, which this model is not: leave it out, or set the kind"
    better = _ending_in(path[-1], known) or _sibling(path, siblings) or _ending_in(_close(path[-1], known), known)
    if better:
        return f"unknown key '{key}': did you mean '{'.'.join(better)}'?"
    inside = f" in [{where}]" if where else ""
    return f"unknown key '{key}'{inside}{did_you_mean(path[-1], siblings)}"


def _sibling(path: tuple[str, ...], siblings: Sequence[str]) -> tuple[str, ...] | None:
    close = closest(path[-1], siblings)
    return (*path[:-1], close) if close else None


def _close(name: str, known: Sequence[tuple[str, ...]]) -> str | None:
    return closest(name, {one[-1] for one in known})


def _ending_in(name: str | None, known: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
    return next((one for one in known if one[-1] == name), None)


def _keys(section: type[Section], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, field in section.model_fields.items():
        yield (*path, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _keys(field.annotation, (*path, name))


def _section(path: Sequence[str], tree: Tree) -> type[Section] | None:
    """The class of the section at a path; the model's kind decides which one `model` is."""
    section: type[Section] = Config
    for part in path:
        field = section.model_fields.get(part)
        if part == "model" and section is Config:
            model = tree.get("model")
            section = _MODELS.get(str(model.get("kind")), RNNConfig) if isinstance(model, dict) else RNNConfig
        elif field and isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            section = field.annotation
        else:
            return None
    return section


def _field(path: Sequence[str], tree: Tree) -> FieldInfo | None:
    section = _section(path[:-1], tree)
    return section.model_fields.get(path[-1]) if section else None


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, int) and abs(value) >= 10**_LONGEST:
        return "a number of far too many digits"  # Python may refuse to write it out
    shown = repr(value)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
