"""Objects that go to another process by the way they were opened, not by what they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from regard.errors import SearchError

if TYPE_CHECKING:
    from typing_extensions import Self


class PickledByPath:
    """What `pickle` sends as a function and its arguments, to be opened again from the same files.

    Packed weights, locks and mapped files cannot be sent. A copy in the same process shares them.
    """

    _opened_by: tuple[Callable[..., object], tuple[object, ...]] | None = None

    def reopened_with(self, function: Callable[..., object], *arguments: object) -> Self:
        """Remembers how to make an equal object.

        Args:
            function: A function of a module, or a `functools.partial` of one.
            *arguments: What it is called with; all can be pickled.

        Returns:
            The object itself.
        """
        self._opened_by = function, arguments
        return self

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        """How `pickle` makes the object again.

        Returns:
            A function and its arguments.

        Raises:
            SearchError: It was made of what is in memory alone.
        """
        if self._opened_by is None:
            raise SearchError(
                "a translator of models in memory cannot be sent to another process: save the model, and load it there "
                "by its path"
            )
        return self._opened_by

    def __copy__(self) -> Self:
        """Another object with the same parts, none of them opened again."""
        twin: Any = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin  # type: ignore[no-any-return]
