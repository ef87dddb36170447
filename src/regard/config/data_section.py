"""Options of the section `[data]`: the parallel text to train on, one corpus or several, and how to read it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from regard.config.section import ADDED_LATER, NUMBER, Section, Switch
from regard.errors import ConfigError
from regard.text.encoding_names import find_encoding
from regard.text.languages import parse_direction
from regard.text.tags import check_tag


def _checked_direction(text: str | None) -> str | None:
    """Languages in their canonical spelling."""
    if text is None:
        return None
    try:
        return "-".join(parse_direction(text))
    except ConfigError as error:
        raise PydanticCustomError("direction", "{message}", {"message": str(error)}) from None


def _checked_tag(tag: str | None) -> str | None:
    try:
        return tag if tag is None else check_tag(tag)
    except ConfigError as error:
        raise PydanticCustomError("tag", "{message}", {"message": str(error)}) from None


def _checked_encoding(name: str | None) -> str | None:
    if name is not None and find_encoding(name) is None:
        raise PydanticCustomError("encoding", "unknown encoding")
    return name


def _checked_columns(value: object) -> object:
    """Two names or numbers of columns; numbers become text, so that one type holds both."""
    if value is None:
        return None
    columns = list(value) if isinstance(value, list | tuple) else []
    fits = len(columns) == 2 and columns[0] != columns[1] and all(map(_is_column, columns))
    if not fits:
        raise PydanticCustomError("columns", "expected two columns")
    return tuple(map(str, columns))


def _is_column(value: object) -> bool:
    if isinstance(value, str):
        return bool(value)
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


Langs = Annotated[str | None, ADDED_LATER, AfterValidator(_checked_direction)]
Encoding = Annotated[str | None, ADDED_LATER, AfterValidator(_checked_encoding)]
Columns = Annotated[tuple[str, str] | None, ADDED_LATER, BeforeValidator(_checked_columns)]
OnError = Literal["stop", "skip"]


class CorpusConfig(Section):
    """Options of one `[[data.corpora]]` entry: a corpus, its weight and tag, and how to read it.

    Options about reading that are not set here, such as `encoding`, are taken from the section `[data]`.
    """

    src: str
    """A file of sentence pairs in any format that regard reads; or the source side, one sentence per line."""
    tgt: str | None = None
    """Target side, line-aligned with `src`."""
    weight: Annotated[float, NUMBER, Field(gt=0, le=1000)] | None = None
    """Mean number of times that an epoch contains each pair; by default 1, or as `data.temperature` says."""
    tag: Annotated[str | None, AfterValidator(_checked_tag)] = None
    """Word put before each source of this corpus, such as `<web>`; one subword, which is never split. If the corpora
    have several target languages (`langs`), a tag such as `>>fr<<` comes first."""
    format: str | None = None
    langs: Langs = None
    encoding: Encoding = None
    columns: Columns = None
    on_error: OnError | None = None
    include_fuzzy: Switch | None = None
    accelerators: Switch | None = None


class DataConfig(Section):
    """Options of the section `[data]`: files of parallel text, how to read them, and the greatest sentence length."""

    src: str | None = None
    """Training text: a file of sentence pairs in any format that regard reads; or the source side of two files, one
    sentence per line."""
    tgt: str | None = None
    """Training target, line-aligned with `src`."""
    val_src: str | None = None
    """Validation text, like `src`; by default, a small share of the training pairs is held out, drawn with
    `train.seed`."""
    val_tgt: str | None = None
    """Validation target."""
    langs: Langs = None
    """Source and target language, such as `en-fr`: which languages to read from files that contain several, and for
    users of the model."""
    max_len: Annotated[int, NUMBER, Field(ge=1, le=1_000_000)] = 256
    """Training pairs with more subwords than this on either side are left out, and their number is reported."""
    corpora: Annotated[tuple[CorpusConfig, ...], ADDED_LATER] = ()
    """Several corpora, in place of `src` and `tgt`, each with a weight and a tag."""
    temperature: Annotated[float, NUMBER, ADDED_LATER, Field(ge=1, le=1000)] | None = None
    """Weights of `corpora` by their sizes, in place of `weight`: a corpus of n pairs is used in proportion to
    n^(1/temperature), and the largest once per epoch."""
    format: Annotated[str | None, ADDED_LATER] = None
    """Name of the format of the text; by default, detected from names and content."""
    encoding: Encoding = None
    """Encoding of the text, such as `cp1252`; by default, UTF-8, or what a file declares."""
    columns: Columns = None
    """Names or 1-based numbers of the source and the target column of a table."""
    prepared: Annotated[str | None, ADDED_LATER] = None
    """Directory of text prepared by `regard data prepare`, in which training also prepares its text; by default, large
    text is prepared beside the model, and smaller text is held in memory."""
    on_error: Annotated[OnError, ADDED_LATER] = "stop"
    """`stop` ends with an error at the first faulty unit of a text, `skip` leaves such units out and counts them."""
    include_fuzzy: Annotated[Switch, ADDED_LATER] = False
    """Also read translations that their file marks as unfinished."""
    accelerators: Annotated[Switch, ADDED_LATER] = False
    """Remove the sign before the letter of a keyboard shortcut, such as `&` in `&File`."""

    @property
    def directions(self) -> tuple[tuple[str, str], ...]:
        """Source and target languages that the option `langs` names, for all corpora, without duplicates."""
        named = [entry.langs or self.langs for entry in self.corpora] or [self.langs]
        return tuple(dict.fromkeys(parse_direction(langs) for langs in named if langs is not None))

    @property
    def has_target_tags(self) -> bool:
        """Whether the text has several target languages; each source then begins with a tag for its target language."""
        return len({target for _, target in self.directions}) > 1
