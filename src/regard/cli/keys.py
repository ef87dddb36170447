"""`regard keys`: manages the API keys of a service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regard.cli.messages import say
from regard.cli.options import Verb, examples, parse_path
from regard.files.printable import on_one_line

EXAMPLES = examples("regard keys add --name newspaper keys.json", "regard keys list keys.json")
app = typer.Typer(help="Manage the API keys of a service.", no_args_is_help=True)
_File = Annotated[
    Path, typer.Argument(parser=parse_path, metavar="FILE", help="File of the keys' hashes.", show_default=False)
]


@app.command("add", cls=Verb)
def _add(
    file: _File,
    name: Annotated[str, typer.Option(metavar="TEXT", help="Whom the key is for.")] = "",
    req_limit: Annotated[
        int | None,
        typer.Option("--req-limit", metavar="N", min=1, help="Requests per minute.", show_default="from the service"),
    ] = None,
    glossaries: Annotated[
        list[str] | None,
        typer.Option(
            "--glossary",
            metavar="NAME",
            help="Glossary of the service that the key may use; may be repeated.",
            show_default="all",
        ),
    ] = None,
) -> None:
    """Make a key and print it; only its hash is stored."""
    from regard.service.keys import KeyFile

    key, stored = KeyFile(file).add(name, requests_per_minute=req_limit, glossaries=glossaries or None)
    say(f"{key}\nIts id is {stored.id}. Keep the key: it cannot be shown again.")


@app.command("list", cls=Verb)
def _list(file: _File) -> None:
    """List the keys: id, date, limit and name."""
    from regard.service.keys import KeyFile

    for key in KeyFile(file).read():
        limit = "" if key.requests_per_minute is None else f"{key.requests_per_minute}/min"
        say(on_one_line(f"{key.id}  {key.created}  {limit:>9}  {key.name}"))


@app.command("revoke", cls=Verb)
def _revoke(
    file: _File, key_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the key.", show_default=False)]
) -> None:
    """Remove a key; running services refuse it within a second."""
    from regard.service.keys import KeyFile

    key = KeyFile(file).revoke(key_id)
    say(on_one_line(f"Revoked {key.id} {key.name}".rstrip()))
