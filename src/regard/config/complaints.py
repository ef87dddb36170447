"""What is wrong with a value, in words: one line for each finding of the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from regard.config.nearest import did_you_mean, nearest
from regard.config.schema import Config, RNNConfig, Section, TransformerConfig
from regard.config.toml_text import Tree

_MODELS: dict[str, type[Section]] = {"rnn": RNNConfig, "transformer": TransformerConfig}
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "tuple": "a list",
    "finite": "a finite number",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}


def complaint(
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
    return path, f"{key} must be {_expected(fault, message, context)}, but is {_shown(got)}"


def _path(loc: Sequence[int | str]) -> tuple[str, ...]:
    """The dotted key: without the tag that pydantic puts behind a union, and without places in a list."""
    parts = [part for part in loc if isinstance(part, str)]
    if parts[:1] == ["model"] and parts[1:2] and parts[1] in _MODELS:
        del parts[1]
    return tuple(parts)


def _expected(fault: str, message: str, context: Mapping[str, object]) -> str:
    if fault in _BOUNDS:
        bound, words = _BOUNDS[fault]
        return f"{words} {float(str(context[bound])):g}"
    kind = fault.split("_")[0]
    if fault in ("too_short", "too_long") or kind == "missing":
        return "a list of two numbers"
    return _KINDS.get(kind, f"otherwise ({message})")


def _choice(key: str, got: object, choices: Sequence[str]) -> str:
    close = nearest(str(got), choices)
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
    close = nearest(path[-1], siblings)
    return (*path[:-1], close) if close else None


def _close(name: str, known: Sequence[tuple[str, ...]]) -> str | None:
    return nearest(name, {one[-1] for one in known})


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


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    return repr(value)
