"""A hook of mkdocs: the navigation names the pages that there are.

Entries of `nav` whose page does not exist are left out; pages `docs/attention-*.md` and the numbered
decisions are added to their sections, so that writing a page is all that it takes.
"""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig

NavItem = str | dict[str, "str | list[NavItem]"]


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Completes the navigation; mkdocs calls this once its configuration is read.

    Args:
        config: The configuration, whose `nav` is replaced.

    Returns:
        The same configuration.
    """
    docs = Path(config.docs_dir)
    if config.nav:
        config.nav = complete(config.nav, docs)
    return config


def complete(nav: list[NavItem], docs: Path) -> list[NavItem]:
    """The navigation for the pages below `docs`.

    Args:
        nav: What `mkdocs.yml` says: pages, or sections of one title and a list.
        docs: The directory of pages.

    Returns:
        A new list; the given one stays as it is.
    """
    found: list[NavItem] = []
    for item in nav:
        if isinstance(item, str):
            found += [item] if (docs / item).exists() else []
            continue
        for title, inner in item.items():
            if isinstance(inner, list):
                inside = [*complete(inner, docs), *_more(title, docs)]
                found += [{title: inside}] if inside else []
            elif (docs / inner).exists():
                found.append({title: inner})
    return found


def _more(section: str, docs: Path) -> list[NavItem]:
    if section == "Attention":
        return [path.name for path in sorted(docs.glob("attention-*.md"))]
    if section == "The house":
        return [f"decisions/{path.name}" for path in sorted((docs / "decisions").glob("[0-9]*.md"))]
    return []
