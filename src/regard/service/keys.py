"""API keys: random, stored as hashes in a file that `regard keys` manages."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from regard.errors import DataError
from regard.files.atomic import write_text
from regard.files.json_text import parse_json
from regard.files.reading import read_bytes

PREFIX = "regard-"
"""How each key begins, so that a leaked one is recognized."""
_MAX_BYTES = 16 << 20
_REMEDY = "restore it, or remove it and make new keys"
CHECK_SECONDS = 1.0
"""Seconds between two looks at the file, so that new and revoked keys count soon."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """An API key, without the key itself.

    Attributes:
        id: Short name for logs and for `regard keys revoke`.
        name: What its owner is called.
        sha256: Hash of the key. Keys have 256 random bits, so no slow hash is needed.
        created: Time, in ISO 8601.
        requests_per_minute: Limit of this key; None = that of the service.
    """

    id: str
    name: str
    sha256: str
    created: str
    requests_per_minute: int | None = None


class KeyFile:
    """The file of API keys.

    Args:
        path: The file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: tuple[StoredKey, ...] = ()
        self._stamp: tuple[int, int] | None = None
        self._checked = -CHECK_SECONDS

    def read(self) -> tuple[StoredKey, ...]:
        """Reads all keys.

        Returns:
            The keys, oldest first.

        Raises:
            DataError: The file is damaged.
        """
        if not self._path.exists():
            return ()
        tree = parse_json(
            read_bytes(self._path, max_bytes=_MAX_BYTES, remedy=_REMEDY), where=str(self._path), remedy=_REMEDY
        )
        try:
            return tuple(StoredKey(**entry) for entry in tree["keys"])  # type: ignore[index] # what is no table is an error here
        except (KeyError, TypeError):
            raise DataError(f"{self._path}: not a file of API keys; {_REMEDY}") from None

    def add(self, name: str, *, requests_per_minute: int | None = None) -> tuple[str, StoredKey]:
        """Makes a key.

        Args:
            name: What its owner is called.
            requests_per_minute: Its own limit.

        Returns:
            The key, which is not stored and cannot be shown again, and what is stored.

        Raises:
            DataError: The file is damaged.
        """
        key = PREFIX + secrets.token_urlsafe(32)
        created = datetime.now(timezone.utc).isoformat(timespec="seconds")
        stored = StoredKey(secrets.token_hex(4), name, _hash(key), created, requests_per_minute)
        self._write((*self.read(), stored))
        return key, stored

    def revoke(self, key_id: str) -> StoredKey:
        """Removes a key.

        Args:
            key_id: Its id.

        Returns:
            The key that was removed.

        Raises:
            DataError: There is no such key, or the file is damaged.
        """
        keys = self.read()
        found = next((key for key in keys if key.id == key_id), None)
        if found is None:
            known = ", ".join(key.id for key in keys) or "none"
            raise DataError(f"{self._path}: there is no key {key_id}; known keys: {known}")
        self._write(tuple(key for key in keys if key.id != key_id))
        return found

    def find(self, key: str) -> StoredKey | None:
        """Finds the key that a client sent; the file is read again if it has changed.

        Args:
            key: What the client sent.

        Returns:
            The stored key; None if it is unknown.
        """
        self._refresh()
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
            stamp = (status.st_mtime_ns, status.st_ino)
        except OSError:
            self._keys, self._stamp = (), None
            return
        if stamp != self._stamp:
            self._keys, self._stamp = self.read(), stamp

    def _write(self, keys: tuple[StoredKey, ...]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"keys": [asdict(key) for key in keys]}, indent=2, ensure_ascii=False) + "\n"
        if not self._path.exists():
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
        write_text(self._path, text)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
