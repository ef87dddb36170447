"""Objects that are pickled as the function call that opened them, not as their contents."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from regard.errors import SearchError

if TYPE_CHECKING:
    from typing_extensions import Self


class PickledByPath:
    """Base class of objects that are opened from files again when they are unpickled.

    `pickle` stores a function and its arguments, because an object with locks, mapped files or weights in oneDNN's own
    layout cannot be pickled itself. A copy made by `copy.copy` shares all attributes with the original.
    """

    _opened_by: tuple[Callable[..., object], tuple[object, ...]] | None = None

    def reopened_with(self, function: Callable[..., object], *arguments: object) -> Self:
        """Sets the function call by which `pickle` opens the object again.

        Args:
            function: Function at module level, or a `functools.partial` of one, that returns an equal object.
            *arguments: Arguments of the function; they must be picklable.

        Returns:
            The object itself.
        """
        self._opened_by = function, arguments
        return self

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        """The function call by which `pickle` opens the object again.

        Returns:
            The function and its arguments, as set by `reopened_with`.

        Raises:
            SearchError: No function call was set, because the object was made from models in memory.
        """
        if self._opened_by is None:
            raise SearchError(
                "a translator that was made from models in memory cannot be pickled for another process: save the "
                "model, and load it in that process by its path"
            )
        return self._opened_by

    def __copy__(self) -> Self:
        """A shallow copy, which shares all attributes with the original."""
        twin: Any = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin  # type: ignore[no-any-return]
