"""Reader of JSON lines: one object per line with a source and a target field, flat or under `translation`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Set

from regard.data.corpora.columns import NAMES, find_names
from regard.data.corpora.file_reader import FileReader, Source
from regard.data.corpora.lines import corpus_lines, until_failure
from regard.data.corpora.unit import ReadOptions, Unit
from regard.errors import DataError
from regard.files.compression import InputFile
from regard.files.printable import on_one_line
from regard.text.encodings import BrokenLine

_NESTED = "translation"
"""Field under which datasets of Hugging Face have the texts, by language."""
_USUAL_NAMES = frozenset(name for names in NAMES for name in names)


class JsonLinesReader(FileReader):
    """Reader of JSON lines: one object per line, with the source and the target text in two of its fields.

    These fields are named by `ReadOptions.columns`, where `a.b` is field `b` of the object in field `a`. Without it,
    they are those named like the languages, or with usual names such as `source` and `target`.

    Args:
        source: Path of the file, or the open file; None = standard input.
        options: How to read the file.

    Attributes:
        name: The file, for messages and reports.
        format: Name of the format.
        report: What was left out so far.
    """

    format = "jsonl"

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        self._last_names = ("", "")
        self._last_fields: Set[str] = frozenset()

    def _read(self, file: InputFile) -> Iterator[Unit]:
        return until_failure(self._units(file), self.report)

    def _units(self, file: InputFile) -> Iterator[Unit]:
        for number, line in enumerate(corpus_lines(file, self._options), start=1):
            if isinstance(line, BrokenLine):
                self.report.fault(line.message)
            elif not line or line.isspace():
                self.report.left_out["blank line"] += 1
            else:
                try:
                    unit = self._unit(_parse(line, f"{self.name}:{number}"), number)
                except DataError as error:
                    message = str(error)
                else:
                    if unit is not None:
                        yield unit
                    continue
                self.report.fault(message)

    def _unit(self, fields: Mapping[str, object], number: int) -> Unit | None:
        where = f"{self.name}:{number}"
        if self._options.columns is not None:
            texts = [_at(fields, column) for column in self._options.columns]
            names = self._options.columns
        else:
            nested = fields.get(_NESTED)
            if isinstance(nested, Mapping):
                fields = nested
            names = self._names(fields, where)
            texts = [fields.get(name) for name in names]
        for name, text in zip(names, texts, strict=True):
            if text is None:
                self.report.left_out[f"no {name} text"] += 1
                return None
            if not isinstance(text, str):
                raise DataError(f"{where}: expected text in the field {name!r}, found {_kind(text)}: write a string")
        if self._options.columns is None:
            self.report.languages.update(name for name in names if name not in _USUAL_NAMES)
        return Unit(str(texts[0]), str(texts[1]), number)

    def _names(self, fields: Mapping[str, object], where: str) -> tuple[str, str]:
        """Names of the fields with the source and the target; where one is missing, that of the language."""
        if fields.keys() == self._last_fields:  # the usual case
            return self._last_names
        langs = self._options.langs
        found = find_names(list(fields), langs, where=where, codes=True)
        if found is not None:
            self._last_names, self._last_fields = found, fields.keys()
            return found
        if any(name in fields for name in self._last_names):
            return self._last_names
        if langs is not None:
            pairs = [find_names([*fields, code], langs, where=where, codes=False) for code in langs]
            partial = next((pair for pair in pairs if pair is not None), None)
            if partial is not None:
                return partial
        known = on_one_line(", ".join(fields))
        expected = "source and target" if langs is None else f"{langs[0]} and {langs[1]}"
        raise DataError(
            f"{where}: expected an object with the fields {expected}, found {known:.200}: name the fields with "
            "--columns"
        )


def _kind(value: object) -> str:
    """A value that is not text, for messages."""
    try:
        return json.dumps(value)[:60]
    except RecursionError:
        return "deeply nested lists or objects"


def _at(fields: Mapping[str, object], path: str) -> object:
    """The value of a field, or of a field of the object in a field; None if there is none."""
    if path in fields:
        return fields[path]
    outer, _, inner = path.partition(".")
    value = fields.get(outer)
    return _at(value, inner) if inner and isinstance(value, Mapping) else None


def _parse(line: str, where: str) -> Mapping[str, object]:
    try:
        value = _DECODER.decode(line)
    except RecursionError:
        raise DataError(
            f"{where}: expected a JSON object, found too deeply nested lists or objects: write the source and the "
            "target as fields of a flat object"
        ) from None
    except ValueError as error:
        raise DataError(
            f"{where}: expected one JSON object per line, found no valid JSON ({error}): correct the line, or "
            "convert a file of one JSON list with jq -c '.[]'"
        ) from None
    if not isinstance(value, Mapping):
        raise DataError(
            f"{where}: expected one JSON object per line, found {line:.40}: correct the line, or convert a file of "
            "one JSON list with jq -c '.[]'"
        )
    return value


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise ValueError(
            f"the field {counts.most_common(1)[0][0][:60]!r} occurs twice in one object: remove one of them"
        )
    return fields


_DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates)
