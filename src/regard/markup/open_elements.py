"""The elements that are open at a position of a document with possibly wrong nesting."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class OpenElements(Generic[T]):
    """A stack of open elements with their names; closing takes constant time on average.

    >>> elements = OpenElements[int]()
    >>> elements.open("b", 1); elements.open("i", 2)
    >>> elements.close("b"), elements.close("u")
    ([2, 1], [])
    """

    def __init__(self) -> None:
        self._stack: list[tuple[str, T]] = []
        self._counts: dict[str, int] = {}

    def innermost(self, default: T) -> T:
        """The element that was opened last, or the default."""
        return self._stack[-1][1] if self._stack else default

    def open(self, name: str, element: T) -> None:
        """Opens an element.

        Args:
            name: Its name.
            element: The element.
        """
        self._stack.append((name, element))
        self._counts[name] = self._counts.get(name, 0) + 1

    def close(self, name: str) -> list[T]:
        """Closes the innermost element of a name, and those within it, whose end tags are missing.

        Args:
            name: Name of the end tag.

        Returns:
            The closed elements from the innermost to the named one; empty if no element of this name is open.
        """
        if not self._counts.get(name):
            return []
        closed: list[T] = []
        while True:
            top, element = self._stack.pop()
            self._counts[top] -= 1
            closed.append(element)
            if top == name:
                return closed

    def close_all(self) -> list[T]:
        """Closes all elements and returns them from the innermost to the outermost."""
        closed = [element for _, element in reversed(self._stack)]
        self._stack.clear()
        self._counts.clear()
        return closed
