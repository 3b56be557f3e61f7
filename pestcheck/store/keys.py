"""The private keys that sign tree heads: Ed25519 (RFC 8032), each in a file that only its owner may read."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pestcheck.export.verify_pack import fingerprint
from pestcheck.store.photos import whole_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class KeyUnavailable(OSError):
    """A private key that cannot be used here; the message says why and what to do."""


class KeyFolder:
    """Keys in a folder, made when the first is. A file is named by the beginning of the fingerprint of its public key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key_id: str) -> Path:
        """Where a key is, or would be. ``key_id``: the fingerprint of its public key."""
        return self.folder / f"{key_id[:16]}.pem"

    def make(self) -> bytes:
        """Make a key and keep it; returns the public one, 32 bytes.

        Raises:
            OSError: it cannot be written.
        """
        from cryptography.hazmat.primitives import serialization as form
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        private = Ed25519PrivateKey.generate()
        public = private.public_key().public_bytes_raw()
        pem = private.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
        with whole_file(self.path(fingerprint(public))) as file:  # which makes it for its owner only
            file.write(pem)
        return public

    def private(self, key_id: str) -> Ed25519PrivateKey:
        """A private key.

        Raises:
            KeyUnavailable: it is not here, others may read it, or it is another one.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        path = self.path(key_id)
        try:
            pem = path.read_bytes()
            open_to = path.stat().st_mode & 0o077
        except OSError as error:
            raise KeyUnavailable(
                f"the key that signs tree heads cannot be read ({path}: {error.strerror or error}). Copy it from the computer that has it, "
                "or, if it is lost, start a new one: pestcheck heads rotate --lost"
            ) from error
        if os.name == "posix" and open_to:
            raise KeyUnavailable(
                f"others may read the key that signs tree heads: chmod 600 {path}; if they may have, pestcheck heads rotate"
            )
        try:
            found = load_pem_private_key(pem, None)
        except (ValueError, TypeError) as error:
            raise KeyUnavailable(f"{path} is no private key, or is damaged") from error
        if not isinstance(found, Ed25519PrivateKey) or fingerprint(found.public_key().public_bytes_raw()) != key_id:
            raise KeyUnavailable(f"{path} is another key than the one that the log names")
        return found


def public_bytes(public_key: str) -> bytes:
    """A public key as the records have it, base64, as 32 bytes."""
    return base64.b64decode(public_key)
