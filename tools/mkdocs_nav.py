"""A mkdocs hook that keeps the navigation complete.

It drops entries of `nav` whose page does not exist. It adds `docs/attention-*.md` and the numbered decisions to
their sections, except for pages that `nav` already lists elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig

NavItem = str | dict[str, "str | list[NavItem]"]


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Completes the navigation. mkdocs calls this once, after it has read its configuration.

    Args:
        config: The configuration; its `nav` is replaced.

    Returns:
        The same configuration.
    """
    if config.nav:
        config.nav = complete(config.nav, Path(config.docs_dir))
    return config


def complete(nav: list[NavItem], docs: Path) -> list[NavItem]:
    """The navigation for the pages that exist.

    Args:
        nav: The navigation of `mkdocs.yml`: pages, or sections with a title and a list.
        docs: The directory of pages.

    Returns:
        A new list; `nav` is not changed.
    """
    return _complete(nav, docs, set(_listed(nav)))


def _listed(nav: list[NavItem]) -> Iterator[str]:
    for item in nav:
        for inner in [item] if isinstance(item, str) else item.values():
            if isinstance(inner, str):
                yield inner
            else:
                yield from _listed(inner)


def _complete(nav: list[NavItem], docs: Path, listed: set[str]) -> list[NavItem]:
    result: list[NavItem] = []
    for item in nav:
        if isinstance(item, str):
            result += [item] if (docs / item).exists() else []
            continue
        for title, inner in item.items():
            if isinstance(inner, list):
                pages = [*_complete(inner, docs, listed), *_additional(title, docs, listed)]
                result += [{title: pages}] if pages else []
            elif (docs / inner).exists():
                result.append({title: inner})
    return result


def _additional(section: str, docs: Path, listed: set[str]) -> list[NavItem]:
    patterns = {"Attention": "attention-*.md", "Development": "decisions/[0-9]*.md"}
    paths = sorted(docs.glob(patterns[section])) if section in patterns else []
    return [name for name in (path.relative_to(docs).as_posix() for path in paths) if name not in listed]
