"""Random documents with markup, for tests of properties that hold for every document."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

WORDS = ["Go.", "the", "red", "fox?", "it's", "l'eau", "(so)", "B,", "x-y", "\u4ed6\u6765\u4e86\u3002", "well:",
         "10 km", "5.5\u00a0kg,", "50%", "No!"]  # fmt: skip
ENTITIES = ["caf&eacute;", "a&lt;b", "R&amp;D", "&copy;", "&#8211;"]
PLACEHOLDERS = ["{name}", "[X4X]", "%(n)s", "%d", "%s", "{{ a.b }}", "${x}", "@@id@@", "%1$s",
                "http://a.example/b_(c)?d=e", "a.b@c.example", "--all", "{0}"]  # fmt: skip
Item = Callable[[random.Random], str]


def choice(items: Sequence[str]) -> Item:
    """One of several texts."""
    return lambda rng: rng.choice(items)


def joined(rng: random.Random, items: Sequence[Item], most: int, spaces: Sequence[str] = (" ", " ", "\n  ", "")) -> str:
    """Up to a number of items with white space between them."""
    return "".join(rng.choice(items)(rng) + rng.choice(spaces) for _ in range(rng.randint(0, most)))


def inline(rng: random.Random, names: Sequence[str], points: Sequence[str], words: Sequence[str], depth: int) -> str:
    """Words, placeholders and points, some of them in elements."""

    def element(rng: random.Random) -> str:
        name = rng.choice(names)
        return f"<{name}>{inline(rng, names, points, words, depth - 1)}</{name.split()[0]}>"

    def placeholder(rng: random.Random) -> str:
        return f" {rng.choice(PLACEHOLDERS)} "

    items: list[Item] = [choice(words), choice(words), choice(points), placeholder, *[element] * (2 * (depth > 0))]
    return joined(rng, items, 5)


HTML_POINTS = ["<br>", "<br/>", "<img src='a.png' alt=\"x y\">", "<!-- a <b> c -->", "<wbr>", "<code>f(x)  g</code>",
               "<i translate=no>Mr <u>Z</u></i>", "<span class='x notranslate'>a  b</span>", "<input value='>'>",
               "{n, plural, one {<b>#</b> fox} other {# foxes in {d}}}"]  # fmt: skip
HTML_INLINE = ["b", "i", "a href='u?a=1&amp;b'", 'span class="x" id="y1"', "EM", "u title='so it is'"]
HTML_BLOCKS = ["p", "div", "li", "td", "H1", "ul", "blockquote"]


def html(rng: random.Random, depth: int = 2) -> str:
    """A well-formed fragment of HTML."""

    def text(rng: random.Random) -> str:
        return inline(rng, HTML_INLINE, HTML_POINTS, [*WORDS, *ENTITIES, "10&nbsp;km"], 2)

    def block(rng: random.Random) -> str:
        name = rng.choice(HTML_BLOCKS)
        inner = html(rng, depth - 1) if depth else text(rng)
        return f"<{name}>{inner}</{name}>"

    return joined(rng, [block, text], 4, ("\n", "", " "))


def html_soup(rng: random.Random) -> str:
    """HTML with tags that have no partner, and incomplete markup."""
    pieces = [*WORDS, *ENTITIES, *HTML_POINTS, "<b>", "</b>", "</i>", "<p>", "</p>", "<a>", "<", ">", "<td", "'", '"',
              "&", "</", "<code>", "<p translate=no>", "\u200b", " {x} "]  # fmt: skip
    return joined(rng, [choice(pieces)], 20, (" ", "", "\n"))


XLIFF_POINTS = ["<x id='#'/>", "<ph id='#'>{\\x}</ph>", "<it id='#' pos='open'>&lt;i></it>", "<bx id='#'/>",
                "<mrk mtype='protected' mid='#'>Do <g id='#'>not</g></mrk>",
                "<bx id='9#'/>one two<ex id='9#'/>", "<bpt id='8#'>&lt;b></bpt>it<ept id='8#'>&lt;/b></ept>",
                "{VAR, plural, =0 {no <x id='#'/> fox} other {# foxes}}"]  # fmt: skip


def xliff(rng: random.Random) -> str:
    """An XLIFF document with inline codes, each with an id of its own except for pairs."""
    number = 0

    def numbered(text: str) -> str:
        nonlocal number
        for mark in ("9#'", "8#'"):
            while mark in text:
                number += 1
                text = text.replace(mark, f"{number}'", 2)
        while "'#'" in text:
            number += 1
            text = text.replace("'#'", f"'{number}'", 1)
        return text

    units = []
    for unit in range(rng.randint(1, 3)):
        words = [*(word for word in WORDS), "a&lt;b", "R&amp;D"]
        text = numbered(inline(rng, ["g id='#'", "mrk mtype='x-t' mid='#'"], XLIFF_POINTS, words, 2))
        units.append(f"<trans-unit id='{unit}'>\n <source>{text}</source>\n</trans-unit>")
    body = "".join(units)
    return f"<xliff version='1.2'><file source-language='en' target-language='fr'><body>{body}</body></file></xliff>"


MARKDOWN_POINTS = ["`a b`", "![i j](k.png)", "<br>", "<kbd>x</kbd>", "<https://a.example>"]


def markdown(rng: random.Random) -> str:
    """A Markdown document."""

    def phrase(rng: random.Random) -> str:
        kind = rng.choice(["*{}*", "**{}**", "[{}](u.html)", '[{}](u "t")', "~~{}~~", "{}", "{}"])
        return kind.format(" ".join(rng.choice(WORDS[:4] + WORDS[7:8]) for _ in range(rng.randint(1, 3))))

    def line(rng: random.Random) -> str:
        placeholder: Item = lambda rng: rng.choice(PLACEHOLDERS)  # noqa: E731
        items: list[Item] = [choice(WORDS), choice(WORDS), phrase, choice(MARKDOWN_POINTS), placeholder]
        return "so " + joined(rng, items, 6, (" ", " ", "\n")).strip()

    blocks = ["# {}\n", "{}\n", "{}\n", "- {}\n- {}\n", "> {}\n", "1. {}\n2. {}\n", "```\nx y {{z}}\n```\n",
              "| a | b |\n|---|---|\n| {} | so |\n", "---\n", "<div>\n\n{}\n\n</div>\n", "    code\n"]  # fmt: skip
    parts = []
    for _ in range(rng.randint(1, 5)):
        block = rng.choice(blocks)
        single = block.startswith(("#", "|", "-", ">", "1"))
        texts = [line(rng) for _ in range(block.count("{}"))]
        parts.append(block.format(*(text.replace("\n", " ") if single else text for text in texts)))
    return "\n".join(parts)


def icu(rng: random.Random, depth: int = 2) -> str:
    """A message in ICU MessageFormat."""

    def argument(rng: random.Random) -> str:
        if not depth:
            return rng.choice(["{x}", "{n, number}", "{d, date, short}"])
        kind, names = rng.choice([("plural", ["=0", "one", "other"]), ("select", ["a", "b", "other"]),
                                  ("selectordinal", ["one", "other"])])  # fmt: skip
        names = names[rng.randrange(len(names) - 1) :]
        space = rng.choice(["", " ", "\n  "])
        branches = "".join(f"{space}{name} {{{icu(rng, depth - 1)}}}" for name in names)
        return f"{{{rng.choice('abc')}, {kind},{space}{branches}{space}}}"

    plain = [word for word in WORDS if "'" not in word]
    items: list[Item] = [choice(plain), choice(plain), argument, choice(["{x}", "#", "''"])]
    return joined(rng, items, 5, (" ",)).strip()
