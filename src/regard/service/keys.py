"""API keys: random, stored as hashes in a file that `regard keys` manages."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from regard.errors import DataError, RegardError
from regard.files.atomic import put_text, write_output
from regard.files.json_text import parse_json
from regard.files.reading import read_bytes

_LOG = logging.getLogger("regard.service")
MAX_LENGTH = 1_000
"""Most characters of a key; longer ones are unknown without further work."""
PREFIX = "regard-"
"""How each key begins, so that a leaked one is recognized."""
_MAX_BYTES = 16 << 20
_REMEDY = "restore it, or remove it and make new keys"
CHECK_SECONDS = 1.0
"""Seconds between two looks at the file, so that new and revoked keys count soon."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """The stored data of an API key: a hash of the key instead of the key itself.

    Attributes:
        id: Short name for logs and for `regard keys revoke`.
        name: Name of the key's owner.
        sha256: Hash of the key. Keys have 256 random bits, so no slow hash is needed.
        created: Time at which the key was made, in ISO 8601.
        requests_per_minute: Limit of requests per minute with this key; None = the limit of the service.
        glossaries: Names of the glossaries that requests with this key may use; None = all.
    """

    id: str
    name: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    created: str
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    glossaries: tuple[str, ...] | None = None


class KeyFile:
    """Makes, finds and revokes API keys, which are stored as hashes in a JSON file.

    Args:
        path: Path of the file, which need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: tuple[StoredKey, ...] = ()
        self._stamp: tuple[int, int, int] | None = None
        self._checked = -CHECK_SECONDS

    def read(self) -> tuple[StoredKey, ...]:
        """Reads all keys.

        Returns:
            The keys, oldest first; empty if the file does not exist.

        Raises:
            DataError: The file is damaged.
        """
        if not self._path.exists():
            return ()
        tree = parse_json(
            read_bytes(self._path, max_bytes=_MAX_BYTES, remedy=_REMEDY),
            where=str(self._path),
            remedy=_REMEDY,
            error=DataError,
        )
        try:
            entries = tree["keys"]  # type: ignore[index] # what is no table is an error here
            return tuple(TypeAdapter(list[StoredKey]).validate_python(entries))
        except (KeyError, TypeError, ValidationError):
            raise DataError(
                f"{self._path}: expected a file of API keys written by `regard keys`, found other JSON: {_REMEDY}"
            ) from None

    def add(
        self, name: str, *, requests_per_minute: int | None = None, glossaries: Sequence[str] | None = None
    ) -> tuple[str, StoredKey]:
        """Makes an API key, and writes its hash to the file.

        Args:
            name: Name of the key's owner.
            requests_per_minute: Limit of requests with this key; None = the limit of the service.
            glossaries: Names of the glossaries that requests with this key may use; None = all.

        Returns:
            The key, which is not stored and cannot be shown again; and the entry that was written to the file.

        Raises:
            DataError: The file is damaged.
        """
        key = PREFIX + secrets.token_urlsafe(32)
        created = datetime.now(timezone.utc).isoformat(timespec="seconds")
        own = None if glossaries is None else tuple(glossaries)
        stored = StoredKey(secrets.token_hex(4), name, _hash(key), created, requests_per_minute, own)
        with self._locked():
            self._write((*self.read(), stored))
        return key, stored

    def revoke(self, key_id: str) -> StoredKey:
        """Removes an API key from the file, so that requests with the key are refused.

        Args:
            key_id: Id of the key, as in `StoredKey.id`.

        Returns:
            The entry that was removed.

        Raises:
            DataError: There is no such key, or the file is damaged.
        """
        with self._locked():
            keys = self.read()
            found = next((key for key in keys if key.id == key_id), None)
            if found is None:
                known = ", ".join(key.id for key in keys) or "none"
                raise DataError(f"{self._path}: there is no API key with the id {key_id}; known ids: {known}")
            self._write(tuple(key for key in keys if key.id != key_id))
        return found

    def find(self, key: str) -> StoredKey | None:
        """Finds the stored data of the API key that a client sent.

        If the file has changed, it is read again. If it is damaged, the keys that were read before stay valid, and the
        error is logged.

        Args:
            key: The API key that the client sent.

        Returns:
            The stored data of the key; None if the key is unknown.
        """
        self._refresh()
        if len(key) > MAX_LENGTH:
            return None
        digest, found = _hash(key), None
        for stored in self._keys:  # all of them, so that the time does not depend on which one it is
            if hmac.compare_digest(stored.sha256, digest):
                found = stored
        return found

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._checked < CHECK_SECONDS:
            return
        self._checked = now
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        except OSError:
            self._keys, self._stamp = (), None
            return
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys = self.read()
        except RegardError as error:
            _LOG.error("keys not read", extra={"reason": str(error)})

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keeps other processes from changing the file, where the system can lock its directory."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if sys.platform == "win32":
            yield
            return
        import fcntl

        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            yield
        finally:
            os.close(directory)

    def _write(self, keys: tuple[StoredKey, ...]) -> None:
        text = json.dumps({"keys": [asdict(key) for key in keys]}, indent=2, ensure_ascii=False) + "\n"
        if not self._path.exists():
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
        write_output(self._path, lambda file: put_text(file, text))  # keeps the permissions


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
