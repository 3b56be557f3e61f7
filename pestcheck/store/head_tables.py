"""The tables of signed heads of the log, and of the keys that sign them."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class SigningKey(SQLModel, table=True):
    """A key that signs tree heads; the last one does so now. ``id``: SHA-256 of the public key, which is in base64.

    ``endorsement``: signature of the key before (``previous``) under this one; None of the first, and where the one before was lost.
    The private key is a file (``store.keys``).
    """

    id: str = Field(primary_key=True)
    public_key: str
    previous: str | None = None
    endorsement: str | None = None
    made_at: str
    made_by: str


class SignedHead(SQLModel, table=True):
    """A tree head that was signed. ``note``: what was signed, with the signature (``verify_pack.note``); ``stamp``: time stamp over the note,
    RFC 3161, in base64. It is in no event, since no event can hold the head of its own tree; backups have it."""

    id: str = Field(primary_key=True)
    size: int = Field(index=True)
    root: str
    at: str
    key_id: str
    note: str
    stamp: str | None = None
