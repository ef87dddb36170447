"""Decoding of lines that may contain invalid bytes, which are replaced and reported instead of refused."""

from __future__ import annotations

import re

_MAX_REPLACEMENTS = 16
# Largest number of consecutive U+FFFD characters that replace invalid bytes; each of them would be translated.
_LONG_RUN = re.compile(f"\ufffd{{{_MAX_REPLACEMENTS},}}")


def decode_lossy(raw: bytes, where: str) -> tuple[str, tuple[str, ...]]:
    r"""Decodes a line as UTF-8; invalid bytes become U+FFFD, with a warning.

    Unpaired UTF-16 surrogates, which faulty programs write, and control characters, including NUL, are kept;
    normalization replaces them later.

    >>> decode_lossy(b"caf\xc3\xa9\r\n", "menu.txt:1")
    ('café', ())

    Args:
        raw: The line as bytes, with or without its line end.
        where: File and line for warnings, such as `test.en:3`.

    Returns:
        The line without its line end, and the warnings.
    """
    line, warnings = raw.removesuffix(b"\n").removesuffix(b"\r"), []
    if b"\0" in line:
        warnings.append(
            f"{where}: expected text, found a NUL byte at position {line.index(0) + 1} of the line; "
            "NUL bytes are read as spaces: if the file is UTF-16, convert it with iconv -t utf-8"
        )
    try:
        return line.decode("utf-8", "surrogatepass"), tuple(warnings)
    except UnicodeDecodeError as error:
        warnings.append(
            f"{where}: expected UTF-8, found byte 0x{line[error.start]:02x} at position "
            f"{error.start + 1} of the line; invalid bytes are read as U+FFFD: convert the file, e.g. with "
            "iconv -t utf-8"
        )
        return _LONG_RUN.sub("\ufffd" * _MAX_REPLACEMENTS, line.decode("utf-8", "replace")), tuple(warnings)
