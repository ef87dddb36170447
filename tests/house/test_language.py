"""Names and sentences are the field's words in plain American English; the checkers see what is not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from house_rules.language import check_first_sentences, check_names, check_words
from house_rules.tree import Module, read_package

ROOT = Path(__file__).parents[2]
EXCEPTIONS = {
    "src/regard/store/migrations.py": {"normaliser"},  # a key that older models have
    "src/regard_phrasebook/en_fr/depending.py": {"nobody"},  # words of generated sentences, from here on
    "src/regard_phrasebook/en_fr/english.py": {"said", "told"},
    "src/regard_phrasebook/en_fr/nouns.py": {"neighbour"},
    "src/regard_phrasebook/en_ko/words.py": {"neighbour"},
    "tests/unit/text/test_sentences.py": {"said"},
    "tests/golden/make.py": {"doubtful"},  # the name of a recorded input file
    "CHANGELOG.md": {"normaliser"},
}
"""Words that are right where they stand."""
WORD_LISTS = {
    "tests/house/house_rules/language.py",
    "tests/house/test_language.py",
    "docs/decisions/0019-the-re-cut.md",  # its tables name what was renamed
}


def python_files() -> list[Path]:
    directories = ("src", "tests", "benchmarks", "tools")
    return sorted(path for name in directories for path in (ROOT / name).rglob("*.py"))


def parsed(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    return Module(str(path), path, text, ast.parse(text))


def planted(text: str) -> Module:
    return Module("regard.text.planted", Path("planted.py"), text, ast.parse(text))


def test_names_say_what_they_hold() -> None:
    modules = [parsed(path) for path in python_files() if str(path.relative_to(ROOT)) not in WORD_LISTS]
    assert len(modules) > 400
    assert [str(finding) for finding in check_names(modules)] == []


def test_sentences_have_plain_words() -> None:
    pages = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "src").rglob("*.toml")]
    found = []
    for path in [*python_files(), *pages]:
        name = path.relative_to(ROOT).as_posix()
        if name not in WORD_LISTS:
            allowed = EXCEPTIONS.get(name, set())
            findings = check_words(path, path.read_text(encoding="utf-8"))
            found += [str(finding) for finding in findings if finding.message.split("'")[1].lower() not in allowed]
    assert found == []


def test_public_docstrings_begin_with_a_short_sentence() -> None:
    modules = [*read_package(ROOT / "src/regard"), *read_package(ROOT / "src/regard_phrasebook")]
    assert [str(finding) for finding in check_first_sentences(modules)] == []


@pytest.mark.parametrize(
    "text",
    [
        "told = 1",
        "for one in rows:\n    pass",
        "[one.text for one in rows]",
        "def look(x):\n    pass",
        "def f(wanted):\n    pass",
        "lambda said: 0",
        "class Suspicion:\n    pass",
        "self.remembered = 1",
    ],
)
def test_a_name_that_says_nothing_is_found(text: str) -> None:
    [finding] = check_names([planted(text)])
    assert "name what it holds" in finding.message


def test_a_word_that_must_be_puzzled_out_is_found() -> None:
    [first, second] = check_words(Path("page.md"), "What is wished is told.\nIt goes on with the colour\n")[:2]
    assert (first.line, second.line) == (1, 2)


@pytest.mark.parametrize(
    ("docstring", "message"),
    [(" ".join(["word"] * 21) + ".", "first sentence of 21 words"), ("The Transformer. S11.", "S11: name paper")],
)
def test_a_docstring_that_must_be_read_twice_is_found(docstring: str, message: str) -> None:
    [finding] = check_first_sentences([planted(f'def public() -> None:\n    """{docstring}"""')])
    assert message in finding.message
    assert check_first_sentences([planted(f'def _private() -> None:\n    """{docstring}"""')]) == []
