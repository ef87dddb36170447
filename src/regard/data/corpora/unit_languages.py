"""Choice of the two texts of a multilingual unit that are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regard.data.corpora.language_choice import choose_language, language_code
from regard.errors import DataError

_PLAIN_CHINESE = "zh"


@dataclass(frozen=True, slots=True)
class TextChoice:
    """The texts to read from a unit with texts in several languages, or the reason to leave the unit out.

    Attributes:
        src: Index of the source text among the texts of the unit.
        tgt: Index of the target text among the texts of the unit.
        reason: Why the unit is left out; empty if it is read.
        is_exchanged: Whether the file names the requested target language as its source language.
        surplus: A reason for each text that is left out because the unit has another text in the same language.
    """

    src: int = 0
    tgt: int = 0
    reason: str = ""
    is_exchanged: bool = False
    surplus: tuple[str, ...] = ()


class UnitLanguages:
    """Chooses the source and the target text of units (such as TMX units) that have texts in several languages.

    Args:
        langs: Canonical codes of the source and the target language; None = the two languages that the file has.

    Attributes:
        source_language: The source language that the header of the file names; None = that of the first text of a unit.
    """

    def __init__(self, langs: tuple[str, str] | None) -> None:
        self.source_language: str | None = None
        self._langs = langs
        self._is_inferred = langs is None
        self._scripts: tuple[dict[str, str], dict[str, str]] = ({}, {})

    def choose(self, langs: Sequence[str], where: str) -> TextChoice:
        """Chooses the texts of a unit.

        Args:
            langs: Language of each text, as the file spells it.
            where: File and line, for messages.

        Returns:
            The indices of the source and the target text, or the reason to leave the unit out.

        Raises:
            DataError: A requested language may mean several of the texts; or no languages were requested, and the file
                has more than two.
        """
        known = [language_code(spelling) for spelling in langs]
        if self._is_inferred:
            self._infer(known, where)
        if self._langs is None:
            return TextChoice(reason="only one language")
        indexes = []
        for side, code in enumerate(self._langs):
            spelling = choose_language(code, langs, where=where)
            if spelling is None:
                return TextChoice(reason=f"no {code} text")
            index = langs.index(spelling)
            if index in indexes:  # such as en for both en-US and en-GB
                return TextChoice(reason=f"no separate {code} text")
            self._check_script(side, code, spelling, where)
            indexes.append(index)
        surplus = tuple(
            f"another {self._langs[side]} text in the same unit"
            for side, index in enumerate(indexes)
            for other in range(len(langs))
            if other != index and known[other] == known[index]
        )
        return TextChoice(indexes[0], indexes[1], "", self._is_exchanged(where), surplus)

    def _infer(self, known: list[str | None], where: str) -> None:
        codes = list(dict.fromkeys(code for code in known if code))
        if self._langs is None and len(codes) == 2:
            source = language_code(self.source_language or "")
            spelling = source and choose_language(source, codes, where=where)
            self._langs = (codes[1], codes[0]) if spelling == codes[1] else (codes[0], codes[1])
        pair = self._langs or ()
        others = [code for code in codes if not any(choose_language(lang, [code], where=where) for lang in pair)]
        if len(pair) + len(others) > 2:
            listed = sorted({*pair, *others})
            raise DataError(
                f"{where}: expected two languages, found {', '.join(listed)}: name the source and the target, such as "
                f"--langs {listed[0]}-{listed[1]}"
            )

    def _is_exchanged(self, where: str) -> bool:
        """Whether the header names the target language as the source language of the file."""
        code = language_code(self.source_language or "")
        if code is None or self._langs is None:
            return False
        src, tgt = (choose_language(lang, [code], where=where) is not None for lang in self._langs)
        return tgt and not src

    def _check_script(self, side: int, code: str, spelling: str, where: str) -> None:
        """Refuses to mix scripts in units of one file; regions may be mixed, and are counted."""
        found = language_code(spelling) or ""
        script = _script(found)
        seen = self._scripts[side]
        names_script = any(len(part) == 4 for part in code.split("-")[1:])
        if script and not names_script and seen.setdefault(script, spelling) and len(seen) > 1:
            listed = sorted(language_code(each) or each for each in seen.values())
            raise DataError(
                f"{where}: expected text of one script for {code}, found {' and '.join(listed)} in the same file: name "
                f"one of them exactly with --langs"
            )


def _script(code: str) -> str:
    if code == _PLAIN_CHINESE:
        return "Hans"
    return next((part for part in code.split("-")[1:] if len(part) == 4), "")
