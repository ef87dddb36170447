"""Says which XML elements of Word, PowerPoint and OpenDocument files contain text, and how others are treated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from regard.translation.markup.dialects import Dialect, Role
from regard.translation.markup.entities import Escaping
from regard.translation.markup.tokens import Token, TokenKind, words

_WORD_ROLES: Mapping[str, Role] = {
    **dict.fromkeys(words("w:r w:t w:hyperlink w:ins w:moveTo w:smartTag w:fldSimple w:sdt w:sdtContent"), Role.INLINE),
    **dict.fromkeys(
        words(
            "w:rPr w:del w:moveFrom w:proofErr w:lastRenderedPageBreak w:softHyphen w:noBreakHyphen w:sdtPr w:sdtEndPr "
            "w:footnoteReference w:endnoteReference w:commentReference w:footnoteRef w:endnoteRef w:annotationRef "
            "w:bookmarkStart w:bookmarkEnd w:commentRangeStart w:commentRangeEnd w:permStart w:permEnd "
            "w:moveFromRangeStart w:moveFromRangeEnd w:moveToRangeStart w:moveToRangeEnd"
        ),
        Role.INVISIBLE,
    ),
    **dict.fromkeys(
        words("w:drawing w:pict w:object w:sym w:ruby mc:AlternateContent m:oMath m:oMathPara field"), Role.OPAQUE
    ),
    **dict.fromkeys(words("w:br w:cr w:tab w:ptab"), Role.LINE_BREAK),
}
_SLIDE_ROLES: Mapping[str, Role] = {
    **dict.fromkeys(words("a:r a:t"), Role.INLINE),
    "a:rPr": Role.INVISIBLE,
    "a:br": Role.LINE_BREAK,
    "a:fld": Role.BLOCK_OPAQUE,
}
_OPEN_ROLES: Mapping[str, Role] = {
    **dict.fromkeys(words("text:p text:h"), Role.BLOCK),
    **dict.fromkeys(words("text:span text:a"), Role.INLINE),
    **dict.fromkeys(
        words(
            "text:soft-page-break text:bookmark text:bookmark-start text:bookmark-end text:reference-mark "
            "text:reference-mark-start text:reference-mark-end text:change text:change-start text:change-end "
            "text:toc-mark text:toc-mark-start text:toc-mark-end text:alphabetical-index-mark "
            "text:alphabetical-index-mark-start text:alphabetical-index-mark-end office:annotation "
            "office:annotation-end"
        ),
        Role.INVISIBLE,
    ),
    **dict.fromkeys(words("text:s text:tab text:line-break"), Role.LINE_BREAK),
    **dict.fromkeys(words("text:tracked-changes office:scripts office:settings"), Role.BLOCK_OPAQUE),
}


def _word_role(tag: Token) -> Role:
    return _WORD_ROLES.get(tag.name, Role.BLOCK)


def _slide_role(tag: Token) -> Role:
    return _SLIDE_ROLES.get(tag.name, Role.BLOCK)


def _open_role(tag: Token) -> Role:
    return _OPEN_ROLES.get(tag.name, Role.OPAQUE)


def _ranges(roles: Mapping[str, Role]) -> frozenset[str]:
    return frozenset(name for name in roles if name.lower().endswith(("start", "end")))


WORD = Dialect(
    "docx", Escaping.XML, _word_role, xml=True, text_elements=words("w:t"), bare_text=False,
    ordered=_ranges(_WORD_ROLES),
)  # fmt: skip
"""WordprocessingML: paragraphs of runs with equal formatting, and text only in `w:t` within a run."""
SLIDES = Dialect("pptx", Escaping.XML, _slide_role, xml=True, text_elements=words("a:t"), bare_text=False)
"""DrawingML: paragraphs of runs, and text only in `a:t` within a run."""
OPEN_DOCUMENT = Dialect(
    "odf", Escaping.XML, _open_role, xml=True, text_elements=words("text:p text:h text:span text:a"),
    ordered=_ranges(_OPEN_ROLES),
)  # fmt: skip
"""OpenDocument: paragraphs and headings with text, spans and links."""


def join_fields(tokens: Sequence[Token]) -> list[Token]:
    """Joins the runs (`w:r` elements) of each Word field, such as a page number, into one token.

    The runs with the beginning, the instruction, the result and the end of a field must stay in this order. Fields that
    extend over several paragraphs, such as tables of contents, are left as they are: in them, each of the elements
    `w:fldChar`, which mark the beginning, middle and end of a field, ends a sentence.

    Args:
        tokens: Tokens of a Word document.

    Returns:
        The tokens, with each field that is within one paragraph as a single token named `field`.
    """
    result: list[Token] = []
    run_start, field_start, depth = 0, -1, 0
    for token in tokens:
        if token.name == "w:p":
            field_start = -1
        elif token.name == "w:r" and token.kind is TokenKind.OPEN:
            run_start = len(result)
        elif token.name == "w:fldChar" and token.kind is not TokenKind.CLOSE:
            if '"begin"' in token.raw:
                field_start = run_start if depth == 0 else field_start
                depth += 1
            elif '"end"' in token.raw and depth:
                depth -= 1
        result.append(token)
        ends_run = token.name == "w:r" and token.kind is TokenKind.CLOSE
        if ends_run and depth == 0 and field_start >= 0:
            raw = "".join(part.raw for part in result[field_start:])
            result[field_start:] = [Token(TokenKind.EMPTY, raw, "field")]
            field_start = -1
    return result
