"""Stub."""
from collections.abc import Sequence
from typing import Protocol
from regard.markup.document import parse
class FileDocument(Protocol):
    sentences: tuple[str, ...]
    def render(self, translations: Sequence[object]) -> bytes: ...
FILE_FORMATS = (".txt",)
class _F:
    def __init__(self, d): self.d = d; self.sentences = d.sentences
    def render(self, tr): return self.d.render(tr).encode()
def open_file(name, data): return _F(parse(data.decode(), "text"))
