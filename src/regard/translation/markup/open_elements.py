"""A stack of the elements that are open at a position of HTML or XML whose nesting may be wrong."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class OpenElements(Generic[T]):
    """A stack of the elements that were opened and not yet closed, each with a name and a value.

    `close` removes the innermost element of a name with all elements inside it, and returns their values from the
    innermost outward; an empty list if no element of this name is open. It takes constant time on average.

    >>> elements = OpenElements[int]()
    >>> elements.open("b", 1); elements.open("i", 2)
    >>> elements.close("b"), elements.close("u")
    ([2, 1], [])
    """

    def __init__(self) -> None:
        self._stack: list[tuple[str, T]] = []
        self._counts: dict[str, int] = {}

    def innermost(self, default: T) -> T:
        """The value of the innermost open element; `default` if no element is open."""
        return self._stack[-1][1] if self._stack else default

    def open(self, name: str, element: T) -> None:
        """Pushes an element onto the stack, where it stays until it is closed.

        Args:
            name: Name of the element.
            element: The value to keep for the element.
        """
        self._stack.append((name, element))
        self._counts[name] = self._counts.get(name, 0) + 1

    def close(self, name: str) -> list[T]:
        """Closes the innermost open element of a name, and all elements inside it, whose end tags are missing.

        Args:
            name: Name of the end tag.

        Returns:
            The values of the closed elements, from the innermost to the named one; empty if no element of this name is
            open.
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
        """Closes all elements and returns their values from the innermost to the outermost."""
        closed = [element for _, element in reversed(self._stack)]
        self._stack.clear()
        self._counts.clear()
        return closed
