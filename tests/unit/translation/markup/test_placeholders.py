from __future__ import annotations

import pytest

from regard.translation.markup.placeholders import find_placeholders, is_positional


def found(text: str) -> list[str]:
    return [text[start:end] for start, end in find_placeholders(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[X7X] and [X123X], not [X] or [XX]", ["[X7X]", "[X123X]"]),
        ("{user_id}, {0}, {}, {a.b[0]!r:>8}, not { a } or {a b}", ["{user_id}", "{0}", "{}", "{a.b[0]!r:>8}"]),
        (
            "{{ order.sum | round }} {{x}} {% if y %} ${home} #{z}",
            ["{{ order.sum | round }}", "{{x}}", "{% if y %}", "${home}", "{z}"],
        ),
        ("%(who)s has %(n)d", ["%(who)s", "%(n)d"]),
        ("%s of %5.2f, %-10s|%1$s %2$d %@ %ld", ["%s", "%5.2f", "%-10s", "%1$s", "%2$d", "%@", "%ld"]),
        ("page%d.html and %s%d", ["%d", "%s%d"]),
        ("30% discount, 5%down, 20 % so, %sure, 7%s, 100%", []),
        ("@@today@@ but @someone", ["@@today@@"]),
        (
            "(see http://a.example/x_(y)?z=1.) HTTPS://B.example/, www.c.example!",
            ["http://a.example/x_(y)?z=1", "HTTPS://B.example/", "www.c.example"],
        ),
        ("请看http://a.example/x。好", ["http://a.example/x"]),
        ("write to a.b-c+d@mail.example.org. Or <x@y.example>", ["a.b-c+d@mail.example.org", "x@y.example"]),
        (r"C:\new\table, \n and \t. Not \name", ["C:\\new\\table", "\\n", "\\t"]),
        ("read ~/notes/a.txt, /etc/passwd or ../x/y, and/or 1/2/3 he/she", ["~/notes/a.txt", "/etc/passwd", "../x/y"]),
        ("use --all-files or --size=3, well -- so--they say", ["--all-files", "--size=3"]),
        ("# of (#), not C# or #1", ["#", "#"]),
        ("{n, number, percent} on {d, date}, {so, called}", ["{n, number, percent}", "{d, date}"]),
        (r"{\an8}Up here", [r"{\an8}"]),
        ("%r, %%magic, 50%% of 3.5%%, 8 %% and %%%%%", ["%r", "%%magic", "50%%", "3.5%%", "%%"]),
        ("the <<first entry>>, a << b >> c, <<x>", ["<<first entry>>", "<< b >>"]),
        ('as [{"a": 1, "b": {"c": 2}}] or {"a"}', ['[{"a": 1, "b": {"c": 2}}]']),
        ("%2/%3, {a}-{b}.{c}: {d}, %s.%s", ["%2/%3", "{a}-{b}.{c}", "{d}", "%s.%s"]),
    ],
)
def test_placeholders(text: str, expected: list[str]) -> None:
    assert found(text) == expected


def test_only_conversions_without_number_or_name_are_positional() -> None:
    texts = ("%s", "%5.1f", "{}", "%(a)s/%s", "%1$s", "%(a)s", "{a}", "[X1X]", "50%%", "http://a/%20b")
    assert [is_positional(text) for text in texts] == [
        True, True, True, True, False, False, False, False, False, False,
    ]  # fmt: skip
