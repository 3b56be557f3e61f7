"""Use cases of models: which one looks at photographs, since when, and back to the one before. Gates are ``training``'s (docs/trainers.md)."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, func, select

from pestcheck.records.common import Refused, UseCases, get, new_id, text
from pestcheck.store import events
from pestcheck.store.model_tables import Promotion
from pestcheck.vision import bundle

FILES = (bundle.DESCRIPTION, bundle.CLASSIFIER, bundle.FINDER)
"""What is kept of a model folder: all that a scan needs."""


class Models(UseCases):
    """See the module."""

    def promote(
        self, folder: Path, *, replaces: str, compared: dict[str, Any], actor: str, reason: str = "", promotion_id: str | None = None
    ) -> str:
        """Put a model in use: its files are kept in the store, and every server on it takes it up by itself.

        Args:
            folder: the model. replaces: name@version of the one that it was compared with. compared: what the gates measured; it stands in the log.

        Returns:
            The id of the promotion.

        Raises:
            pestcheck.vision.bundle.BundleError: the folder is no usable model.
            Refused: it is in use already, another one was put in use meanwhile, or other files have its name and version.
            OSError: the store cannot be written.
        """
        key, why, described = new_id(promotion_id), text(reason, "reason"), bundle.load(folder)
        files = {name: self.photo_store.put((folder / name).read_bytes()) for name in FILES}
        with self.database.writing() as session:
            if session.get(Promotion, key):
                return key
            now = _in_use(session)
            if now and now.model != replaces:
                raise Refused(f"{now.model} was put in use by {now.promoted_by} at {now.promoted_at}; compare with that one.")
            for other in session.exec(select(Promotion).where(Promotion.model == described.id)):
                if other.files != files:
                    raise Refused(f"There was another {described.id} in use, with other files. Give the new one another version.")
            if now and now.model == described.id:
                raise Refused(f"{described.id} is in use already, since {now.promoted_at}.")
            row = {
                "id": key, "position": session.exec(select(func.count()).select_from(Promotion)).one(), "model": described.id,
                "replaces": replaces, "files": files, "compared": compared, "reason": why, "promoted_by": actor, "promoted_at": events.now(),
            }  # fmt: skip
            events.append(session, "model_promoted", row, actor)
        return key

    def roll_back(self, *, actor: str, reason: str, promotion_id: str | None = None) -> Promotion:
        """Take the model in use out of it: the one before it is in use again, at the last the one shipped.

        Args:
            promotion_id: of the one that is taken out; None: whichever is in use. Said again, it changes nothing.

        Returns:
            The promotion that was rolled back.

        Raises:
            Refused: no reason, none was ever promoted, or another one is in use.
        """
        why = text(reason, "reason", needed="Say why the model is taken out of use.")
        with self.database.writing() as session:
            now = _in_use(session)
            gone = get(session, Promotion, promotion_id) if promotion_id else now
            if gone is None:
                raise Refused("The model in use is the one that was shipped; there is none before it.")
            if gone.rolled_back_at is None:
                if now is None or gone.id != now.id:
                    raise Refused(f"{gone.model} is not in use; {now.model if now else 'the shipped model'} is.")
                payload = {
                    "promotion_id": gone.id, "rolled_back_at": events.now(), "rolled_back_by": actor, "rolled_back_reason": why,
                }  # fmt: skip
                events.append(session, "model_rolled_back", payload, actor)
                session.refresh(gone)
            session.expunge(gone)
        return gone

    def promotions(self) -> list[Promotion]:
        """All models that were ever put in use, the newest first."""
        with self.database.reading() as session:
            return list(session.exec(select(Promotion).order_by(col(Promotion.position).desc())))

    def promoted(self) -> Promotion | None:
        """The promotion of the model in use; None: it is the shipped one."""
        with self.database.reading() as session:
            return _in_use(session)

    def model_folder(self, promotion: Promotion, within: Path) -> Path:
        """The model of a promotion as a folder in ``within``; it is fetched from the store if it is not there whole.

        Raises:
            pestcheck.vision.bundle.BundleError: a file is gone from the store, or is not what was promoted.
            OSError: the store cannot be read now, or the folder not written.
        """
        folder = within / f"{promotion.model.replace('@', '-')}-{promotion.files[bundle.DESCRIPTION][:12]}"
        if all(_digest(folder / name) == sha256 for name, sha256 in promotion.files.items()):
            return folder
        within.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=within) as temporary:
            made = Path(temporary) / "model"
            made.mkdir()
            for name, sha256 in promotion.files.items():
                try:
                    data = self.photo_store.get(sha256)
                except FileNotFoundError as error:
                    raise bundle.BundleError(f"{name} of {promotion.model} is gone from the store; restore it, or roll back") from error
                if hashlib.sha256(data).hexdigest() != sha256:
                    raise bundle.BundleError(
                        f"{name} of {promotion.model} in the store is not the file that was promoted (SHA-256 differs); "
                        "restore it, or roll back"
                    )
                (made / name).write_bytes(data)
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(made, folder)
        return folder


def _in_use(session: Session) -> Promotion | None:
    query = select(Promotion).where(col(Promotion.rolled_back_at).is_(None)).order_by(col(Promotion.position).desc())
    return session.exec(query.limit(1)).first()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
