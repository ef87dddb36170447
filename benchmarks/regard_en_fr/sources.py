"""The texts that the model is trained on, with their licenses; no others may be used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A text that anyone may use, also commercially, if its authors are named.

    Attributes:
        title: Title.
        address: Web address.
        license: License of the text.
        authors: Whom to name.
    """

    title: str
    address: str
    license: str
    authors: str


SOURCES = {
    "tatoeba": Source("Tatoeba", "https://tatoeba.org", "CC BY 2.0 FR", "the contributors of Tatoeba"),
    "php-manual": Source("PHP manual", "https://www.php.net/manual", "CC BY 3.0", "the PHP Documentation Group"),
    "python-docs": Source(
        "Python documentation",
        "https://docs.python.org/fr",
        "CC0 1.0 (translation); PSF-2.0 (original)",
        "© 2001 Python Software Foundation; the translators of the documentation",
    ),
    "django-docs": Source(
        "Django documentation",
        "https://docs.djangoproject.com/fr",
        "BSD-3-Clause",
        "© Django Software Foundation and individual contributors",
    ),
    "transread-novels": Source(
        "TransRead, novels", "https://transread.limsi.fr", "CC BY", "the TransRead project (LIMSI)"
    ),
}
"""Sources by the name that the file of origins gives them."""
