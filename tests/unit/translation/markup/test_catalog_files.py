"""Gettext catalogs as documents: what is filled in, plural forms, and marks; polib reads the results."""

from __future__ import annotations

import polib
import pytest
from translators import capitals, translations, unchanged

from regard.errors import DataError
from regard.translation.markup.file_options import FileOptions
from regard.translation.markup.files import open_file
from regard.translation.markup.sentence import TranslatedSentence

HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset={}\\n"\n"Plural-Forms: {}\\n"\n\n'
RUSSIAN = "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);"
ENGLISH, JAPANESE = "nplurals=2; plural=(n != 1);", "nplurals=1; plural=0;"


def filled(body: str, *, plural: str = ENGLISH, fuzzy: bool = False, name: str = "a.po") -> str:
    header = HEADER.format("UTF-8", plural)
    file = open_file(name, (header + body).encode(), FileOptions("en", "fr", mark_fuzzy=fuzzy))
    output = file.render(translations(file, capitals)).decode()
    polib.pofile(output)
    assert output.startswith(header)
    return output[len(header) :]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('msgid "Hi"\nmsgstr ""\n', 'msgid "Hi"\nmsgstr "HI"\n'),
        (
            '#: a.c:1\n#, c-format\nmsgid "%d of {n}"\nmsgstr ""\n',
            '#: a.c:1\n#, c-format\nmsgid "%d of {n}"\nmsgstr "%d OF {n}"\n',
        ),
        ('msgid ""\n"One\\n"\n"Two\\n"\nmsgstr ""\n', 'msgid ""\n"One\\n"\n"Two\\n"\nmsgstr ""\n"ONE\\n"\n"TWO\\n"\n'),
        (
            'msgid "See <a href=\\"x\\">it</a>"\nmsgstr ""',
            'msgid "See <a href=\\"x\\">it</a>"\nmsgstr "SEE <a href=\\"x\\">IT</a>"',
        ),
        ('msgctxt "m"\nmsgid "Hi"\nmsgstr ""\n', 'msgctxt "m"\nmsgid "Hi"\nmsgstr "HI"\n'),
        ('msgid "Hi"\nmsgstr "Salut"\n', None),
        ('#, fuzzy\nmsgid "Hi"\nmsgstr "Salut"\n', None),
        ('#~ msgid "Hi"\n#~ msgstr ""\n', None),
        ('msgid " "\nmsgstr ""\n', None),
        ('msgid "%s"\nmsgstr ""\n', 'msgid "%s"\nmsgstr "%s"\n'),
    ],
)
def test_untranslated_strings_are_filled(body: str, expected: str | None) -> None:
    assert filled(body) == (body if expected is None else expected)


FILES = 'msgid "{}"\nmsgid_plural "%d files"\n'


@pytest.mark.parametrize(
    ("plural", "singular", "given", "expected"),
    [
        (ENGLISH, "%d file", ["", ""], ["%d FILE", "%d FILES"]),
        (ENGLISH, "One file", ["", ""], ["ONE FILE", "%d FILES"]),
        (RUSSIAN, "%d file", ["", "", ""], ["%d FILE", "%d FILES", "%d FILES"]),
        (RUSSIAN, "One file", ["", "", ""], ["%d FILES", "%d FILES", "%d FILES"]),
        (RUSSIAN, "%d file", ["", ""], ["%d FILE", "%d FILES", "%d FILES"]),
        ("nplurals=2; plural=(n > 1);", "One file", ["", ""], ["%d FILES", "%d FILES"]),
        ("nplurals=2; plural=(n == 1);", "One file", ["", ""], ["%d FILES", "ONE FILE"]),
        (JAPANESE, "One file", [""], ["%d FILES"]),
        ("nplurals=INTEGER; plural=EXPRESSION;", "One file", ["", ""], ["ONE FILE", "%d FILES"]),
        ("nplurals=2; plural=(n > ;", "One file", ["", ""], ["ONE FILE", "%d FILES"]),
        (ENGLISH, "One file", ["x", ""], ["x", "%d FILES"]),
        (ENGLISH, "One file", ["x", "y"], ["x", "y"]),
    ],
)
def test_plural_forms(plural: str, singular: str, given: list[str], expected: list[str]) -> None:
    body = FILES.format(singular) + "".join(f'msgstr[{number}] "{text}"\n' for number, text in enumerate(given))
    filled_forms = "".join(f'msgstr[{number}] "{text}"\n' for number, text in enumerate(expected))
    assert filled(body, plural=plural) == FILES.format(singular) + filled_forms


def test_filled_entries_are_marked_if_asked() -> None:
    body = '#, c-format\nmsgid "Hi"\nmsgstr ""\n\nmsgid "Yes"\nmsgstr "Oui"\n\n# note\nmsgid "No"\nmsgstr ""\n'
    expected = (
        '#, c-format, fuzzy\nmsgid "Hi"\nmsgstr "HI"\n\nmsgid "Yes"\nmsgstr "Oui"\n\n# note\n#, fuzzy\nmsgid "No"\n'
        'msgstr "NO"\n'
    )
    assert filled(body, fuzzy=True, name="a.POT") == expected


def test_a_catalog_in_a_small_encoding() -> None:
    text = HEADER.format("ISO-8859-1", ENGLISH) + 'msgid "caf\u00e9"\nmsgstr ""\n'
    file = open_file("a.po", text.encode("latin-1"))
    assert file.render(translations(file, capitals)).decode("latin-1").endswith('msgstr "CAF\u00c9"\n')
    with pytest.raises(DataError, match=r"a\.po:7: expected a translation in ISO-?8859-1.*msgconv"):
        file.render([TranslatedSentence("caf\u00e9", "\u043a\u043e\u0444\u0435")])


def test_a_filled_catalog_comes_back_as_it_is() -> None:
    text = HEADER.format("UTF-8", ENGLISH) + 'msgid "Hi"\nmsgstr   "Salut"  \r\n\n\n#| msgid "x"\n'
    file = open_file("a.po", text.encode())
    assert file.sentences == ()
    assert not file.needs_alignment
    assert file.render([]).decode() == text
    with pytest.raises(ValueError, match="expected 0 translations, one per sentence, got 1"):
        file.render([unchanged("x")])


def test_a_broken_catalog_is_refused_with_its_line() -> None:
    with pytest.raises(DataError, match=r"a\.po:1: .*closing quotation mark"):
        open_file("a.po", b'msgid "Hi\nmsgstr ""\n')


def test_a_lost_format_makes_an_entry_fuzzy() -> None:
    text = 'msgid "50% of"\nmsgstr ""\n'  # a program may read `% o`
    assert filled("#, c-format\n" + text) == "#, c-format, fuzzy\n" + text.replace('""', '"50% OF"')
    assert filled("#, no-c-format\n" + text) == "#, no-c-format\n" + text.replace('""', '"50% OF"')


@pytest.mark.parametrize(
    ("flag", "text", "expected"),
    [
        ("python-format", "%(n)d of <%s>", "%(n)d OF <%s>"),
        ("python-format", "%dm left of %r", "%dM LEFT OF %r"),
        ("c-format", "up to 50%% of %s, %%s", "UP TO 50%% OF %s, %%s"),
        ("python-brace-format", "{!r} is it{}", "{!r} IS IT{}"),
        ("c-format", "%s/%s is", "%s/%s IS"),
    ],
)
def test_what_a_program_replaces_stays(flag: str, text: str, expected: str) -> None:
    body = f'#, {flag}\nmsgid "{text}"\nmsgstr ""\n'
    assert filled(body) == body.replace('""', f'"{expected}"')


def test_percent_signs_that_a_translation_adds_are_doubled() -> None:
    for flag, expected in (("c-format", "50 %% de %s"), ("python-brace-format", "50 % de %s")):
        body = f'#, {flag}\nmsgid "half of %s"\nmsgstr ""\n'
        file = open_file("a.po", (HEADER.format("UTF-8", ENGLISH) + body).encode())
        translation = TranslatedSentence(file.sentences[0], "50 % de", ((0, 0), (1, 2)))
        assert f'msgstr "{expected}"' in file.render([translation]).decode()


def test_keyboard_shortcuts() -> None:
    texts = ["_Open...", "Sa_ve", "E_xit _now", "the file_name", "_Help for {_x}", r"Say \"_Hi\""]
    body = "".join(f'msgid "{text}"\nmsgstr ""\n\n' for text in texts)
    expected = ["_OPEN...", "SA_VE", "E_XIT _NOW", "THE FILE_NAME", "_HELP FOR {_x}", r"SAY \"_HI\""]
    assert [line[8:-1] for line in filled(body).splitlines() if line.startswith("msgstr")] == expected
    file = open_file("a.po", (HEADER.format("UTF-8", ENGLISH) + body).encode())
    assert file.sentences[:2] == ("Open...", "Save")
    assert open_file("a.po", body.partition("\n\n")[0].encode()).sentences == ("_Open...",)  # too few to be sure
    named = 'msgid ""\nmsgstr "X-Accelerator-Marker: &\\n"\n\nmsgid "R&D, _Sa"\nmsgstr ""\n'
    assert open_file("a.po", named.encode()).sentences == ("R&D, _Sa",)


def test_line_breaks_of_a_paragraph_are_kept() -> None:
    body = 'msgid ""\n"one two\\n"\n"three four\\n"\n"  five six\\n"\nmsgstr ""\n'
    file = open_file("a.po", (HEADER.format("UTF-8", ENGLISH) + body).encode())
    assert file.sentences == ("one two three four five six",)
    output = file.render([TranslatedSentence(file.sentences[0], "un deux trois")]).decode()
    assert output.endswith('msgstr ""\n"un\\n"\n"deux\\n"\n"  trois\\n"\n')


def test_code_in_a_message_stays() -> None:
    lines = ["such as:", "[", "  {", '    "name": "value"', "  }, {", "    a: so", "  }", "]", "and so on [", "to {x}"]
    text = "\\n".join(lines).replace('"', '\\"')
    output = polib.pofile(HEADER.format("UTF-8", ENGLISH) + filled(f'msgid "{text}"\nmsgstr ""\n'))[-1].msgstr
    assert output.split("\n")[:8] == ["SUCH AS:", *lines[1:8]]
    assert output.split("\n")[8:] == ["AND SO ON [", "TO {x}"]


@pytest.mark.parametrize("language", ["de", "de_DE.UTF-8"])
def test_a_catalog_in_another_language_is_refused(language: str) -> None:
    data = f'msgid ""\nmsgstr "Language: {language}\\n"\n\nmsgid "Hi"\nmsgstr ""\n'.encode()
    with pytest.raises(DataError, match=f"translations into fr, found Language: {language} in its header"):
        open_file("a.po", data, FileOptions("en", "fr"))
    for target in ("de", "de-DE", None):
        assert open_file("a.po", data, FileOptions("en", target)).sentences == ("Hi",)


@pytest.mark.parametrize("language", ["", "LANGUAGE", "fr", "fr_CA"])
def test_a_catalog_without_a_valid_language_is_believed(language: str) -> None:
    data = f'msgid ""\nmsgstr "Language: {language}\\n"\n\nmsgid "Hi"\nmsgstr ""\n'.encode()
    assert open_file("a.po", data, FileOptions("en", "fr")).sentences == ("Hi",)
