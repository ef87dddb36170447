"""Plural forms of gettext catalogs: which form belongs to the singular, and which ones to the plural."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from gettext import c2py

_NUM_FORMS = re.compile(r"nplurals\s*=\s*(\d{1,3})")
_RULE = re.compile(r"plural\s*=\s*([^;]{1,1000})")
_PLACEHOLDER = re.compile(
    r"%(?:\(\w+\)|\d+\$)?[#0\- +']*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|ll|[hlLqjzt])?[diouxXeEfFgGcrs]|%\d+|\{\w*\}"
)
_NUMBERS = range(2001)
"""Numbers from which the use of each form is known."""


@dataclass(frozen=True, slots=True)
class PluralForms:
    """The plural forms of a language in a gettext catalog, and which of them is the singular.

    A form is given by its 0-based index, that of `msgstr[0]`, `msgstr[1]`, and so on.

    Attributes:
        num_forms: Number of forms; None = unknown.
        singular: Index of the form that is used for the number 1.
        of_single_number: Indices of the forms that are used for a single number other than 1, such as the dual in
            Arabic; their text often names the number in place of a placeholder.
    """

    num_forms: int | None = None
    singular: int = 0
    of_single_number: frozenset[int] = field(default_factory=frozenset)

    @classmethod
    def parse(cls, value: str) -> PluralForms:
        """Parses the field `Plural-Forms` in the header of a catalog.

        Args:
            value: Value of the field, such as `nplurals=2; plural=(n != 1);`. If it is empty or not valid, form 0 is
                the singular.

        Returns:
            The number of forms and their use.

        >>> PluralForms.parse("nplurals=2; plural=(n > 1);").singular
        0
        >>> PluralForms.parse("nplurals=4; plural=(n%100==1 ? 1 : n%100==2 ? 2 : n%100==3 || n%100==4 ? 3 : 0);")
        PluralForms(num_forms=4, singular=1, of_single_number=frozenset())
        """
        count, rule = _NUM_FORMS.search(value), _RULE.search(value)
        num_forms = int(count[1]) if count else None
        if rule is None:
            return cls(num_forms)
        try:
            form_of = c2py(rule[1].strip())
            forms = [int(form_of(number)) for number in _NUMBERS]
        except (ValueError, ArithmeticError, RecursionError, MemoryError, SyntaxError):
            return cls(num_forms)
        uses = Counter(forms)
        return cls(num_forms, forms[1], frozenset(form for form in uses if uses[form] == 1 and form != forms[1]))


def placeholders(text: str) -> frozenset[str]:
    """Finds the placeholders of a format string of C or Python.

    >>> sorted(placeholders("%(num)d of {total} files, 100%"))
    ['%(num)d', '{total}']
    """
    return frozenset(_PLACEHOLDER.findall(text))
