"""Writer of gettext catalogs (.po)."""

from __future__ import annotations

from hashlib import blake2b
from typing import BinaryIO

from regard.data.corpora.po_syntax import format_string
from regard.data.corpora.stream_writer import NULS, SURROGATES, StreamWriter

_UNTRANSLATED = "empty translations (untranslated entries)"


class PoWriter(StreamWriter):
    """Writer of a catalog whose entries have no plural forms.

    Gettext allows each source string once per context: an entry that repeats one gets its own number as `msgctxt`.

    Args:
        file: The output file.
        langs: Source and target language; None = the header names none.
    """

    unfit = (SURROGATES, NULS)

    def __init__(self, file: BinaryIO, langs: tuple[str, str] | None) -> None:
        super().__init__()
        self._file = file
        self._hashes: set[bytes] = set()  # 8 bytes each; where two collide, an entry gets a context without need
        header = "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n"
        if langs is not None:
            src, tgt = (code.replace("-", "_") for code in langs)
            header += f"Language: {tgt}\nX-Source-Language: {src}\n"
        self._write_entry("", "", header)

    def _put(self, src: str, tgt: str) -> None:
        if not tgt:
            self.lost[_UNTRANSLATED] += 1
        digest = blake2b(src.encode(), digest_size=8).digest()
        is_known = not src or digest in self._hashes
        self._hashes.add(digest)
        self._write_entry(str(self.num_written + 1) if is_known else "", src, tgt)

    def _write_entry(self, context: str, src: str, tgt: str) -> None:
        lines = [format_string("msgctxt", context)] if context else []
        lines += [format_string("msgid", src), format_string("msgstr", tgt)]
        self._file.write(("\n".join(lines) + "\n\n").encode())
