"""Objects that are pickled as the call that opened them, not by their contents."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from regard.errors import SearchError

if TYPE_CHECKING:
    from typing_extensions import Self


class PickledByPath:
    """Base of objects that `pickle` stores as a function and its arguments, to be opened again from the same files.

    Packed weights, locks and mapped files cannot be pickled. A copy in the same process shares them.
    """

    _opened_by: tuple[Callable[..., object], tuple[object, ...]] | None = None

    def reopened_with(self, function: Callable[..., object], *arguments: object) -> Self:
        """Sets the call that opens an equal object.

        Args:
            function: A function of a module, or a `functools.partial` of one.
            *arguments: Its arguments, which can be pickled.

        Returns:
            The object itself.
        """
        self._opened_by = function, arguments
        return self

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        """The function and arguments by which `pickle` opens the object again.

        Returns:
            The function and its arguments.

        Raises:
            SearchError: The object was made from models in memory.
        """
        if self._opened_by is None:
            raise SearchError(
                "a translator of models in memory cannot be sent to another process: save the model, and load it there "
                "by its path"
            )
        return self._opened_by

    def __copy__(self) -> Self:
        """A shallow copy, which shares all parts."""
        twin: Any = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin  # type: ignore[no-any-return]
