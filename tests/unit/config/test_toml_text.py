"""Line numbers of keys, and writing of values."""

from __future__ import annotations

import datetime as dt

import pytest

from regard.config.toml_text import line_of, parse, write_key, write_value

TEXT = """\
top = 1
[a]
x = "[b]"   # not a table
b.c = 3
[ a . "q q" ]
'z' = 4
inline = {deep = 1}
[other]
x = 2
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (["top"], 1),
        (["a"], 2),
        (["a", "x"], 3),
        (["a", "b", "c"], 4),
        (["a", "q q"], 5),
        (["a", "q q", "z"], 6),
        (["a", "q q", "inline", "deep"], 7),
        (["a", "missing"], 2),
        (["other", "x"], 9),
        (["missing"], None),
    ],
)
def test_lines(path: list[str], line: int | None) -> None:
    assert line_of(TEXT, path) == line


@pytest.mark.parametrize(
    "value", [True, -3, 1e-05, 1e300, 'a"b\\\n\x00\x7fé😀', [1, 2], [], {"a b": {"c": 1.5}}], ids=repr
)
def test_values_read_back(value: object) -> None:
    assert parse(f"v = {write_value(value)}")["v"] == value


def test_keys() -> None:
    assert write_key("a-b_1") == "a-b_1"
    assert write_key("a b") == '"a b"'


def test_types_that_toml_lacks_are_refused() -> None:
    with pytest.raises(TypeError, match=r"expected a boolean, .* got date"):
        write_value(dt.date(2020, 1, 1))


@pytest.mark.parametrize(
    "text",
    [
        "a = '" + "[" * 100 + "." * 100 + "'",
        'a = "' + '\\"[' * 100 + '"',
        'a = """\n' + '"" [ ' * 100 + '"""',
        "a = '''\n" + "'' [ " * 100 + "'''",
        "# " + "[" * 100 + "\na = 1",
        "a = [" + "[1.5], " * 100 + "]",
        "\n".join(f"a{n}.b.c = 1" for n in range(100)),
        "a = [" + "[" * 31 + "]" * 31 + "]",
        f"a = {2**63 - 1}\nb = {-(2**63)}",
    ],
)
def test_brackets_in_strings_and_comments_are_not_nesting(text: str) -> None:
    assert parse(text)


def test_lines_are_found_in_linear_time() -> None:
    text = "x = '''\n" + ("[" + " " * 1000 + "\n") * 200 + "'''\n[a]\nb = 1"
    assert line_of(text, ["a", "b"]) == 204
    assert line_of("x = '\u2028'\ny = 1", ["y"]) == 2


def test_keys_of_a_list_of_tables_are_found_in_their_entry() -> None:
    first, second = '[[data.corpora]]\nsrc = "a"\n', '[[ data.corpora ]]  # second\nsrc = "b"\n'
    text = f"[data]\nmax_len = 3\n{first}\n{second}[train]\nseed = 1\n"
    assert line_of(text, ["data", "corpora"]) == 3
    assert line_of(text, ["data", "corpora", "0", "src"]) == 4
    assert line_of(text, ["data", "corpora", "1", "src"]) == 7
    assert line_of(text, ["data", "corpora", "1", "tgt"]) == 6
    assert line_of(text, ["train", "seed"]) == 9
    assert line_of(text, ["data", "max_len"]) == 2
