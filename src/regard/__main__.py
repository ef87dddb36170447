"""Lets `python -m regard` run the command-line program `regard`."""

from regard.cli.main import app

if __name__ == "__main__":
    app()
