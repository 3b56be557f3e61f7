"""Use cases of seals: the register over the lives of all of them, and View, Verify, Tug, Twist at one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from pestcheck.inspection.identifiers import container_number
from pestcheck.inspection.seals import (
    QUESTIONS,
    Act,
    Answer,
    Look,
    Seal,
    SealClass,
    SealEvent,
    SealProblem,
    SealType,
    seal_key,
    seal_register,
)  # fmt: skip
from pestcheck.inspection.seals import SealCheck as Check
from pestcheck.records.common import Refused, UseCases, at_their_sites, change, get, moment, new_id, one_of, text, unchanged
from pestcheck.store import events
from pestcheck.store.tables import Inspection, SealCheck, SealLine, View


class Seals(UseCases):
    """See the module."""

    def seal(
        self, act: str, number: str, *, actor: str, happened_at: str | datetime | None = None, inspection_id: str | None = None,
        container: str = "", document_number: str = "", seal_class: str | None = None, type: str | None = None, maker: str = "",
        reason: str = "", line_id: str | None = None,
    ) -> tuple[str, ...]:  # fmt: skip
        """Add a line to the seal register, also of an inspection that is closed: a seal's life goes on.

        Args:
            act: an ``Act``: issued, affixed, verified, broken, destroyed. happened_at: with time zone; None: now.
            inspection_id: of which inspection it is a part; the container is then that of the inspection.
            document_number: the number that the documents give. seal_class, type, maker: as read from the seal (ISO 17712).
            reason: why, and by whom; needed where a seal was broken (CTPAT: who, why, new number).

        Returns:
            What is wrong with this seal now, in words: on the seal itself, and what cannot be true in the register. Nothing is refused for
            it: a person must be able to write down what is so.

        Raises:
            Refused: an unknown act, no number, a break without a reason, or something that makes no sense.
        """
        key = new_id(line_id)
        one_of(act, Act, "act")
        number = text(number, "seal number", needed="Give the number on the seal.")
        if not seal_key(number):
            raise Refused("Give the number on the seal.")
        if seal_class is not None:
            one_of(seal_class, SealClass, "class (ISO 17712)")
        if type is not None:
            one_of(type, SealType, "type of the seal")
        row: dict[str, Any] = {
            "id": key, "act": act, "number": number, "key": seal_key(number), "seal_class": seal_class, "type": type,
            "maker": text(maker, "maker"), "document_number": text(document_number, "number in the documents"),
            "reason": text(reason, "reason", needed="Say who broke the seal, and why." if act == Act.BROKEN else ""),
            "inspection_id": inspection_id, "recorded_by": actor,
        }  # fmt: skip
        at = moment(happened_at, "time")
        with self.database.writing() as session:
            inspection = get(session, Inspection, inspection_id) if inspection_id else None
            row["container"] = inspection.container_number if inspection else container_number(text(container, "container")).text
            known = session.get(SealLine, key)
            if known and not unchanged(known, row):
                raise Refused("A line with this id is already there; a line of the register is not changed: add another.")
            if not known:
                payload = row | {"happened_at": at or events.now(), "recorded_at": events.now()}
                events.append(session, "seal_recorded", payload, actor, inspection_id)
            seal = Seal(number, SealClass(seal_class) if seal_class else None, SealType(type) if type else None, maker)
            told = seal.problems() if act in (Act.ISSUED, Act.AFFIXED) else ()
            return (*told, *(problem.text for problem in self._problems(session, row["key"])))

    def check_seal(
        self, inspection_id: str, looks: dict[str, tuple[str, str]], *, actor: str, number: str = "", document_number: str = "",
        view_id: str | None = None, check_id: str | None = None, amends: str = "",
    ) -> tuple[str, ...]:  # fmt: skip
        """Record View, Verify, Tug, Twist at the seal of an inspection (CTPAT 6.7), also after it was closed; changing one is an amendment.

        Args:
            looks: of each of QUESTIONS the answer (an ``Answer``: "yes" is the good one) and a note.
            view_id: the photograph that shows the number.

        Returns:
            What failed or is open, each with what to do.

        Raises:
            Refused: a look is not answered, or the photograph is of another inspection.
        """
        key = new_id(check_id)
        if looks.keys() != QUESTIONS.keys():
            raise Refused(f"Answer all four: {', '.join(QUESTIONS)}.")
        read_as = {
            name: Look(Answer(one_of(answer, Answer, f"answer to {name!r}")), text(note, "note")) for name, (answer, note) in looks.items()
        }
        check = Check(
            **read_as,
            number=text(number, "seal number"),
            document_number=text(document_number, "number in the documents"),
            photo=view_id or "",
        )
        row: dict[str, Any] = {
            "id": key, "inspection_id": inspection_id, "number": check.number, "document_number": check.document_number,
            "looks": {name: [look.answer.value, look.note] for name, look in read_as.items()}, "view_id": view_id,
            "problems": list(check.problems()), "checked_by": actor,
        }  # fmt: skip
        with self.database.writing() as session:
            inspection = get(session, Inspection, inspection_id)
            if view_id and get(session, View, view_id).inspection_id != inspection_id:
                raise Refused("The photograph is one of another inspection.")
            known = session.get(SealCheck, key)
            if known and known.inspection_id != inspection_id:
                raise Refused("A check with this id is already there.")
            payload = row | {"checked_at": events.now()}
            if known is None:
                events.append(session, "seal_checked", payload, actor, inspection_id)
            elif not unchanged(known, row):
                change(session, inspection, "seal_checked", payload, actor, amends=amends, before=known)
        return check.problems()

    def seal_problems(self) -> tuple[SealProblem, ...]:
        """What cannot be true or must not happen in the whole register, the oldest first: one seal seen twice, a number never issued, ..."""
        with self.database.reading() as session:
            return self._problems(session)

    def seal_lines(self, number: str | None = None) -> list[SealLine]:
        """The register, or the life of one seal, in the order of time."""
        with self.database.reading() as session:
            lines = _lines(session, seal_key(number) if number is not None else None)
            mine = set(session.exec(select(Inspection.id).where(at_their_sites(session, Inspection.id))))
            return [line for line in lines if line.inspection_id is None or line.inspection_id in mine]

    @staticmethod
    def _problems(session: Session, key: str | None = None) -> tuple[SealProblem, ...]:
        return seal_register(
            SealEvent(
                Act(line.act), line.number, datetime.fromisoformat(line.happened_at), line.inspection_id or "", line.container,
                line.document_number,
            )
            for line in _lines(session, key)
        )  # fmt: skip


def _lines(session: Session, key: str | None) -> list[SealLine]:
    query = select(SealLine).order_by(SealLine.happened_at, SealLine.id)
    return list(session.exec(query if key is None else query.where(SealLine.key == key)))
