"""`python -m regard`, the same as `regard`."""

from regard.cli.main import app

if __name__ == "__main__":
    app()
