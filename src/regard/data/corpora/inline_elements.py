"""Base class of the handlers for XML formats whose texts contain inline codes."""

from __future__ import annotations

from regard.data.corpora.inline_codes import InlineText
from regard.data.corpora.unit import ReadReport
from regard.data.corpora.unit_elements import MAX_DEPTH, UnitElements


class InlineElements(UnitElements):
    """Handlers of the elements within a text: base class for formats with inline codes; see `UnitElements`.

    Args:
        name: Name of the file, for messages.
        report: Where faults and units that are left out are counted.
        keep_subflows: Whether to keep translatable text inside inline codes; see `InlineText`.
        root_tags: Names that the root element may have, without namespace.
        unit_tags: Names of the elements that hold one unit each, such as `tu` in TMX.
        container_tags: Names of the elements around units, such as `body`.
    """

    def __init__(
        self,
        name: str,
        report: ReadReport,
        *,
        keep_subflows: bool,
        root_tags: tuple[str, ...],
        unit_tags: tuple[str, ...],
        container_tags: tuple[str, ...],
    ) -> None:
        super().__init__(name, report, root_tags=root_tags, unit_tags=unit_tags, container_tags=container_tags)
        self._keep_subflows = keep_subflows
        self._inline: InlineText | None = None

    def abandon_unit(self) -> None:
        """Forgets the open unit and the inline codes of its open text. See `UnitElements.abandon_unit`."""
        super().abandon_unit()
        self._inline = None

    def open_inline(self, tag: str, attributes: dict[str, str]) -> None:
        """Handles a start tag within a text; raises an `XmlFault` if it starts a unit, or is nested too deep.

        Args:
            tag: Local name of the element.
            attributes: Attributes of the element: values by name.
        """
        if tag in self.unit_tags:
            self.begin_unit()  # refused within a unit
        if self._inline is None:
            self._inline = InlineText(keep_subflows=self._keep_subflows)
        if self._inline.depth >= MAX_DEPTH:
            self.refuse_depth()
        self._inline.open(tag, attributes, self.text)

    def close_inline(self) -> bool:
        """Handles an end tag within a text.

        Returns:
            Whether an inline element ended; if not, the tag ends the text itself.
        """
        if self._inline is None or not self._inline.depth:
            return False
        self._inline.close(self.text)
        return True

    def take_text(self) -> tuple[str, InlineText | None]:
        """Ends the text that is being read, and returns it.

        Returns:
            The text without inline codes, and the `InlineText` that removed them; None if there were no codes.
        """
        inline, self._inline = self._inline, None
        return "".join(self.text) if inline is None else inline.finish(self.text), inline
