"""Writers of TMX 1.4 and XLIFF 1.2."""

from __future__ import annotations

from typing import BinaryIO

from regard.data.corpora.stream_writer import CONTROLS, SURROGATES, StreamWriter

_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})


class TmxWriter(StreamWriter):
    """Writer of a translation memory.

    Args:
        file: The output file.
        langs: Source and target language.
    """

    unfit = (SURROGATES, CONTROLS)

    def __init__(self, file: BinaryIO, langs: tuple[str, str]) -> None:
        super().__init__()
        self._file = file
        self._langs = langs
        file.write(
            f"""<?xml version="1.0" encoding="UTF-8"?>
<tmx version="1.4">
<header creationtool="regard" creationtoolversion="1" segtype="sentence" o-tmf="regard" adminlang="en" \
srclang="{langs[0]}" datatype="plaintext"/>
<body>
""".encode()
        )

    def finish(self) -> None:
        """Writes the end tags of the TMX document. See `StreamWriter.finish`."""
        self._file.write(b"</body>\n</tmx>\n")

    def _put(self, src: str, tgt: str) -> None:
        src_lang, tgt_lang = self._langs
        self._file.write(
            f'<tu><tuv xml:lang="{src_lang}"><seg>{src.translate(_TEXT)}</seg></tuv>'
            f'<tuv xml:lang="{tgt_lang}"><seg>{tgt.translate(_TEXT)}</seg></tuv></tu>\n'.encode()
        )


class XliffWriter(StreamWriter):
    """Writer of an XLIFF document, whose translations are marked as approved.

    Args:
        file: The output file.
        langs: Source and target language.
    """

    unfit = (SURROGATES, CONTROLS)

    def __init__(self, file: BinaryIO, langs: tuple[str, str]) -> None:
        super().__init__()
        self._file = file
        file.write(
            f"""<?xml version="1.0" encoding="UTF-8"?>
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">
<file original="corpus" datatype="plaintext" source-language="{langs[0]}" target-language="{langs[1]}">
<body>
""".encode()
        )

    def finish(self) -> None:
        """Writes the end tags of the XLIFF document. See `StreamWriter.finish`."""
        self._file.write(b"</body>\n</file>\n</xliff>\n")

    def _put(self, src: str, tgt: str) -> None:
        self._file.write(
            f'<trans-unit id="{self.num_written + 1}" approved="yes" xml:space="preserve">'
            f"<source>{src.translate(_TEXT)}</source>"
            f'<target state="translated">{tgt.translate(_TEXT)}</target></trans-unit>\n'.encode()
        )
