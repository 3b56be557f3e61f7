"""Use cases of quizzes (CTPAT 12.1, 12.2, 12.7): questions from photographs, quizzes, attempts, and the certificates that follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from pestcheck.ids import uuid7
from pestcheck.inspection import knowledge, quiz
from pestcheck.inspection.guidance import Action, Stage
from pestcheck.inspection.knowledge import Question
from pestcheck.records.common import NotFound, Refused, get, new_id, one_of, text, unchanged
from pestcheck.records.reviews import Reviewed, Reviews
from pestcheck.records.training import FOR_INSPECTORS, TOPICS, certificate, months_later
from pestcheck.records.view import CONTAMINANTS
from pestcheck.review import Outcome, Status
from pestcheck.store import events
from pestcheck.store.tables import Photograph
from pestcheck.store.training_tables import PictureQuestion, Quiz, QuizAnswer, QuizAttempt

LEAST, MOST = 3, 200
"""Questions of a quiz: fewer prove nothing, and nobody answers more."""
MOST_THINGS = 20
LEAST_MARK = 0.5
MOST_MONTHS = 36
OPEN_FOR = timedelta(days=1)
"""An attempt that was not finished by then stays on record as it is; who comes back begins another."""


@dataclass(frozen=True, slots=True)
class Item:
    """One question of an attempt, its answer or None, and whether it can still be asked: a photograph may have been erased since."""

    reference: str
    question: Question | PictureQuestion | None
    answer: QuizAnswer | None

    @property
    def points(self) -> float:
        """0 to 1; 0 without an answer."""
        return quiz.points(self.answer.parts) if self.answer else 0.0


@dataclass(frozen=True, slots=True)
class AttemptView:
    """An attempt with its quiz and its questions in order."""

    attempt: QuizAttempt
    quiz: Quiz
    items: tuple[Item, ...]

    @property
    def next(self) -> Item | None:
        """The first question that is open and can be asked."""
        if self.attempt.finished_at:
            return None
        return next((item for item in self.items if item.answer is None and item.question is not None), None)

    @property
    def wrong(self) -> tuple[Item, ...]:
        """Those answered not quite right: what to look at again."""
        return tuple(item for item in self.items if item.answer and item.points < 1)


class Quizzes(Reviews):
    """See the module."""

    def picture_question(
        self, sha256: str, things: Iterable[tuple[str, tuple[int, int, int, int] | None]], *, stage: str, actor: str, because: str = "",
        source: str = "", question_id: str | None = None,
    ) -> str:  # fmt: skip
        """Make a photograph of the store a question of quizzes: everybody who takes one sees the picture, and nothing else of its inspection.

        Args:
            things: what is on it, label or group and box in pixels of the upright photograph, None where it is not known; none: it is clean.
            stage: a ``Stage``, for which the question is what to do first. because: shown after the answer, beside what the label's rules say.
            source: the review that the answer follows from; "": given by hand.

        Returns:
            The id of the question.

        Raises:
            Refused: an unknown label or stage, or a box outside the photograph. NotFound: there is no such photograph.
        """
        key = new_id(question_id)
        on_it: list[dict[str, Any]] = [{"label": label, "box": list(box) if box else None} for label, box in things]
        if len(on_it) > MOST_THINGS:
            raise Refused(f"{len(on_it)} things on one photograph are too many to ask for; the limit is {MOST_THINGS}.")
        for one in on_it:
            if one["label"] not in CONTAMINANTS:
                raise Refused("Choose what it is.")
        row: dict[str, Any] = {
            "id": key, "sha256": sha256, "things": on_it, "stage": str(one_of(stage, Stage, "stage")), "because": text(because, "reason"),
            "source": text(source, "source"), "made_by": actor,
        }  # fmt: skip
        with self.database.writing() as session:
            photograph = get(session, Photograph, sha256)
            for one in on_it:
                if one["box"]:
                    x0, y0, x1, y1 = one["box"]
                    if not (0 <= x0 < x1 <= photograph.width and 0 <= y0 < y1 <= photograph.height):
                        raise Refused(
                            f"The box {tuple(one['box'])} is not inside the photograph of {photograph.width} by {photograph.height} pixels."
                        )
            known = session.get(PictureQuestion, key)
            if known and not unchanged(known, row):
                raise Refused("A question with this id is already there; withdraw it, and make another.")
            if not known:
                row |= {"width": photograph.width, "height": photograph.height, "made_at": events.now()}
                events.append(session, "picture_question_made", row, actor)
        return key

    def reviewed_for_quizzes(self, limit: int = 200) -> list[Reviewed]:
        """Photographs of whose answer trainers are agreed and that no question asks of yet, in the order of the review, with and without
        contamination in turn as far as there are both."""
        asked = {one.sha256 for one in self.picture_questions()}
        clean: list[Reviewed] = []
        contaminated: list[Reviewed] = []
        for item in self.reviewed():
            opinion = item.current.opinion
            if opinion is None or item.photograph.sha256 in asked or opinion.outcome not in (Outcome.CONTAMINATION, Outcome.NO_CONTAMINANT):
                continue
            asked.add(item.photograph.sha256)
            (contaminated if item.marks else clean).append(item)
        both = min(len(clean), len(contaminated))
        turns = [one for pair in zip(contaminated, clean, strict=False) for one in pair]
        return [*turns, *contaminated[both:], *clean[both:]][:limit]

    def question_from_review(self, view_id: str, *, actor: str, question_id: str | None = None) -> str:
        """Make a reviewed photograph a question: the right answer is what its trainers agreed on, at the stage of its inspection.

        Returns:
            The id of the question.

        Raises:
            Refused: they are not agreed, or it is unusable.
        """
        item = self.reviewed_photograph(view_id)
        opinion = item.current.opinion
        if (
            item.current.status != Status.AGREED
            or opinion is None
            or opinion.outcome not in (Outcome.CONTAMINATION, Outcome.NO_CONTAMINANT)
        ):
            raise Refused("Trainers are not agreed on this photograph yet, or it is unusable: choose another.")
        things = [(mark.label, mark.box) for mark in item.marks[:MOST_THINGS]]
        stage = item.inspection.stage or Stage.EMPTY_AT_ORIGIN
        return self.picture_question(
            item.photograph.sha256, things, stage=stage, actor=actor, because=opinion.comment, source=opinion.id, question_id=question_id
        )

    def withdraw_question(self, question_id: str, *, reason: str, actor: str) -> None:
        """Ask a question no more; what was answered to it stays.

        Raises:
            Refused: no reason.
        """
        why = text(reason, "reason", needed="Say why the question is withdrawn.")
        with self.database.writing() as session:
            if get(session, PictureQuestion, question_id).withdrawn_at is None:
                payload = {"question_id": question_id, "withdrawn_at": events.now(), "withdrawn_reason": why}
                events.append(session, "picture_question_withdrawn", payload, actor)

    def picture_questions(self, *, withdrawn: bool = False) -> list[PictureQuestion]:
        """Those whose photograph is still there, the newest first. ``withdrawn``: these, too."""
        query = select(PictureQuestion).join(Photograph, col(Photograph.sha256) == col(PictureQuestion.sha256))
        if not withdrawn:
            query = query.where(col(PictureQuestion.withdrawn_at).is_(None))
        with self.database.reading() as session:
            return list(session.exec(query.order_by(col(PictureQuestion.made_at).desc(), col(PictureQuestion.id))))

    def question_picture(self, question_id: str, *, maker: bool = False) -> str:
        """SHA-256 of the photograph of a question, for who takes a quiz that has it.

        Args:
            maker: or who makes quizzes, and sees the photograph anyway.

        Raises:
            NotFound: it is in no quiz of theirs, or was erased.
        """
        with self.database.reading() as session:
            found = _question(session, question_id, withdrawn=True) if "/" not in question_id else None
            if isinstance(found, PictureQuestion):
                if any(question_id in one.questions for one in session.exec(select(Quiz)) if _for_them(session, one)):
                    return found.sha256
                if maker:
                    return get(session, Photograph, found.sha256).sha256
        raise NotFound("There is no such photograph.")

    def make_quiz(
        self, title: str, *, topics: Iterable[str], questions: Iterable[str], actor: str, pass_mark: float = 0.8, months: int = 12,
        asked: int | None = None, quiz_id: str | None = None,
    ) -> str:  # fmt: skip
        """Make a quiz. Who passes gets a certificate in each topic. It is for the sites that its maker sees.

        Args:
            topics: of TOPICS, each with a question about it; photographs are about inspection. questions: ids of picture questions, and references of ``inspection.knowledge``. pass_mark: 0.5 to 1.
            months: how long a certificate is valid. asked: how many of the questions one attempt draws; None: all.

        Returns:
            The id of the quiz.

        Raises:
            Refused: something is missing or makes no sense, or a question is not there.
        """
        key = new_id(quiz_id)
        chosen, subjects = [*dict.fromkeys(questions)], [*dict.fromkeys(one_of(topic, TOPICS, "topic") for topic in topics)]
        if not subjects:
            raise Refused("Choose at least one topic.")
        if not LEAST <= len(chosen) <= MOST:
            raise Refused(f"A quiz has {LEAST} to {MOST} questions, not {len(chosen)}.")
        if not LEAST_MARK <= pass_mark <= 1:
            raise Refused(f"The pass mark is {pass_mark:.0%}; choose {LEAST_MARK:.0%} to 100%.")
        if not 1 <= months <= MOST_MONTHS:
            raise Refused(f"A certificate is valid for 1 to {MOST_MONTHS} months, not {months}.")
        if asked is not None and not LEAST <= asked <= len(chosen):
            raise Refused(f"One attempt asks {LEAST} to {len(chosen)} of these questions, not {asked}.")
        row: dict[str, Any] = {
            "id": key, "title": text(title, "title", needed="Give the quiz a title."), "topics": subjects, "questions": chosen, "asked": asked,
            "pass_mark": round(float(pass_mark), 4), "months": months, "made_by": actor,
        }  # fmt: skip
        with self.database.writing() as session:
            sites = session.info.get("sites")
            known = session.get(Quiz, key)
            if known and not unchanged(known, row):
                raise Refused("A quiz with this id is already there; withdraw it, and make another.")
            if not known:
                covered = set()
                for reference in chosen:
                    if (asks := _question(session, reference)) is None:
                        raise Refused(f"There is no question {reference[:60]!r} that can be asked.")
                    covered.add(asks.topic if isinstance(asks, Question) else FOR_INSPECTORS)
                if bare := [TOPICS[topic] for topic in subjects if topic not in covered]:
                    raise Refused(f"No question is about: {'; '.join(bare)}. Add some, or leave the topic out.")
                row |= {"sites": sorted(sites) if sites is not None else None, "made_at": events.now()}
                events.append(session, "quiz_made", row, actor)
        return key

    def withdraw_quiz(self, quiz_id: str, *, reason: str, actor: str) -> None:
        """Offer a quiz no more; what was answered, and the certificates, stay.

        Raises:
            Refused: no reason.
        """
        why = text(reason, "reason", needed="Say why the quiz is withdrawn.")
        with self.database.writing() as session:
            if _quiz(session, quiz_id).withdrawn_at is None:
                events.append(session, "quiz_withdrawn", {"quiz_id": quiz_id, "withdrawn_at": events.now(), "withdrawn_reason": why}, actor)

    def quizzes(self, *, withdrawn: bool = False) -> list[Quiz]:
        """Those for the sites that they see, the newest first. ``withdrawn``: these, too."""
        with self.database.reading() as session:
            found = session.exec(select(Quiz).order_by(col(Quiz.made_at).desc(), col(Quiz.id)))
            return [one for one in found if _for_them(session, one) and (withdrawn or one.withdrawn_at is None)]

    def start_quiz(self, quiz_id: str, *, actor: str, account: str | None, attempt_id: str | None = None) -> str:
        """Begin a quiz, or go on with the attempt that is open.

        Args:
            account: of who takes it, for themselves: nobody takes a quiz for somebody else.

        Returns:
            The id of the attempt.

        Raises:
            Refused: without an account, by who made the quiz, or it is withdrawn, or too few of its questions can still be asked.
        """
        key = new_id(attempt_id)
        if not account:
            raise Refused("A quiz counts only for who is signed in with an account of their own. Make accounts first.")
        with self.database.writing() as session:
            known = session.get(QuizAttempt, key)
            if known:
                if (known.quiz_id, known.account) != (quiz_id, account):
                    raise Refused("An attempt with this id is already there.")
                return key
            offered = _quiz(session, quiz_id)
            since = events.written(datetime.now(UTC) - OPEN_FOR)
            mine = select(QuizAttempt).where(QuizAttempt.quiz_id == quiz_id, QuizAttempt.account == account)
            running = mine.where(col(QuizAttempt.finished_at).is_(None), QuizAttempt.started_at >= since)
            if open_ := session.exec(running.order_by(col(QuizAttempt.started_at).desc())).first():
                self._finish(session, open_, offered, actor)
                return open_.id
            if offered.withdrawn_at:
                raise Refused(f"This quiz was withdrawn: {offered.withdrawn_reason}. Choose another.")
            if offered.made_by == actor:
                raise Refused("You made this quiz and know its answers. Take one that somebody else made.")
            groups: dict[str, list[str]] = {name: [] for name in ("clean", "contaminated", *TOPICS)}
            for reference in offered.questions:
                match _question(session, reference):
                    case PictureQuestion() as picture:
                        groups["contaminated" if picture.things else "clean"].append(reference)
                    case Question() as fact:
                        groups[fact.topic].append(reference)
            asked = quiz.drawn(groups, offered.asked, key)
            if len(asked) < LEAST:
                raise Refused("Too few questions of this quiz can still be asked: their photographs were erased, or they were withdrawn.")
            row = {"id": key, "quiz_id": quiz_id, "account": account, "person": actor, "questions": asked, "started_at": events.now()}
            events.append(session, "quiz_started", row | {"certificates": []}, actor)
        return key

    def answer_quiz(self, attempt_id: str, question: str, given: Mapping[str, Any], *, actor: str, account: str | None) -> QuizAnswer:
        """Answer a question of one's own attempt, once. The last answer finishes it; who passes has the certificates at that moment.

        Args:
            given: ``choice``: one of the question's options; or of a photograph ``contaminated`` and, where it is, ``where`` (x, y in pixels, or
                None), ``what`` (of CONTAMINANTS) and ``todo`` (an ``Action``).

        Raises:
            NotFound: no such attempt of this account. Refused: it is finished, the question is not one of it, was answered, or this is no answer.
        """
        with self.database.writing() as session:
            attempt = session.get(QuizAttempt, attempt_id) if attempt_id.isprintable() else None
            if attempt is None or not account or attempt.account != account:
                raise NotFound(f"There is no attempt {attempt_id[:60]!r} of yours.")
            if question not in attempt.questions:
                raise Refused("This question is not asked in this attempt.")
            asked = _question(session, question, withdrawn=True)
            if asked is None:
                raise Refused("The photograph of this question was erased. Go on with the next one.")
            said, parts = _judged(asked, given)
            known = session.get(QuizAnswer, (attempt_id, question))
            if known:
                if known.given != said:
                    raise Refused("You have answered this question already. Go on with the next one.")
                return known
            if attempt.finished_at or attempt.started_at < events.written(datetime.now(UTC) - OPEN_FOR):
                raise Refused("This attempt is over. Begin the quiz again.")
            row: dict[str, Any] = {
                "attempt_id": attempt_id,
                "question": question,
                "given": said,
                "parts": parts,
                "answered_at": events.now(),
            }
            events.append(session, "quiz_answered", row, actor)
            self._finish(session, attempt, get(session, Quiz, attempt.quiz_id), actor)
            return QuizAnswer(**row)

    def attempt(self, attempt_id: str) -> AttemptView:
        """An attempt with all that was answered.

        Raises:
            NotFound: there is none, or its quiz is not for their sites.
        """
        with self.database.reading() as session:
            attempt = get(session, QuizAttempt, attempt_id)
            return _view(session, attempt, _quiz(session, attempt.quiz_id))

    def attempts(self, *, account: str | None = None, quiz_id: str | None = None) -> list[tuple[QuizAttempt, Quiz]]:
        """Attempts with their quizzes, the newest first; of one account or one quiz only."""
        query = select(QuizAttempt, Quiz).join(Quiz).order_by(col(QuizAttempt.started_at).desc(), col(QuizAttempt.id).desc())
        if account is not None:
            query = query.where(QuizAttempt.account == account)
        if quiz_id is not None:
            query = query.where(QuizAttempt.quiz_id == quiz_id)
        with self.database.reading() as session:
            return [(attempt, of) for attempt, of in session.exec(query) if _for_them(session, of)]

    @staticmethod
    def _finish(session: Session, attempt: QuizAttempt, of: Quiz, actor: str) -> None:
        """Close an attempt in which nothing is left to be asked."""
        view = _view(session, attempt, of)
        if attempt.finished_at or view.next is not None:
            return
        answers = [item.answer for item in view.items if item.answer]
        judged = quiz.result((answer.parts for answer in answers), of.pass_mark)
        at, today, given = events.now(), datetime.now(UTC).date(), []
        if judged.passed and len(answers) >= LEAST:
            until = months_later(today, of.months).isoformat()
            reference = f"{of.title}, {judged.score:.0%} on {today}, attempt {attempt.id}"
            given = [certificate(attempt.person, topic, today.isoformat(), until, reference[-2000:], actor, uuid7()) for topic in of.topics]
        row = {
            "id": attempt.id, "finished_at": at, "score": round(judged.score, 4), "found": judged.found, "passed": bool(given),
            "certificates": [one["id"] for one in given],
        }  # fmt: skip
        events.append(session, "quiz_finished", {"row": row, "certificates": [one | {"recorded_at": at} for one in given]}, actor)


def _judged(asked: Question | PictureQuestion, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
    """What was answered, as it is kept, and how right it is.

    Raises:
        Refused: it is no answer to the question.
    """
    if isinstance(asked, Question):
        choice = one_of(given.get("choice"), asked.options, "answer")
        return {"choice": choice}, {"choice": float(choice == asked.right)}
    if not isinstance(given.get("contaminated"), bool):
        raise Refused("Say whether there is contamination.")
    things = [quiz.Thing(one["label"], tuple(one["box"]) if one["box"] else None) for one in asked.things]
    stage, size = Stage(asked.stage), (asked.width, asked.height)
    if not given["contaminated"]:
        return {"contaminated": False}, quiz.judge(things, stage, size, quiz.Seen(contaminated=False))
    where = given.get("where")
    if where is not None:
        if not (len(where) == 2 and all(isinstance(one, int) for one in where) and 0 <= where[0] <= size[0] and 0 <= where[1] <= size[1]):
            raise Refused(f"The place is not on the photograph of {size[0]} by {size[1]} pixels.")
        where = (where[0], where[1])
    what, todo = (
        one_of(given.get("what"), CONTAMINANTS, "name of what it is"),
        Action(one_of(given.get("todo"), Action, "first thing to do")),
    )
    kept = {"contaminated": True, "where": list(where) if where else None, "what": what, "todo": todo.value}
    return kept, quiz.judge(things, stage, size, quiz.Seen(contaminated=True, where=where, what=what, todo=todo))


def _question(session: Session, reference: str, *, withdrawn: bool = False) -> Question | PictureQuestion | None:
    """The question that a reference names, if it can be asked: its photograph is there. ``withdrawn``: also one that was withdrawn."""
    if "/" in reference:
        return knowledge.question(reference)
    picture = session.get(PictureQuestion, reference) if reference.isprintable() else None
    if picture is None or (picture.withdrawn_at and not withdrawn) or session.get(Photograph, picture.sha256) is None:
        return None
    return picture


def _view(session: Session, attempt: QuizAttempt, of: Quiz) -> AttemptView:
    answers = {one.question: one for one in session.exec(select(QuizAnswer).where(QuizAnswer.attempt_id == attempt.id))}
    items = (Item(one, _question(session, one, withdrawn=one in answers), answers.get(one)) for one in attempt.questions)
    return AttemptView(attempt, of, tuple(items))


def _for_them(session: Session, of: Quiz) -> bool:
    sites: frozenset[str] | None = session.info.get("sites")
    return sites is None or of.sites is None or bool(sites & {*of.sites})


def _quiz(session: Session, quiz_id: str) -> Quiz:
    """
    Raises:
        NotFound: there is none, or it is not for their sites.
    """
    found = get(session, Quiz, quiz_id)
    if not _for_them(session, found):
        raise NotFound(f"There is no quiz {quiz_id[:60]!r}.")
    return found
