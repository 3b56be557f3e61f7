"""The tables. Those of ``STATE`` follow from the events and are written by ``state.apply`` alone.

Times are ISO 8601 text in UTC. Enumerations are text. Ids are UUIDv7 made by the client.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from pestcheck.store.account_tables import Account, Token
from pestcheck.store.head_tables import SigningKey
from pestcheck.store.journey_tables import Fix, Leg, Party
from pestcheck.store.model_tables import Dataset, ModelFile, Promotion
from pestcheck.store.review_tables import Review, ReviewState
from pestcheck.store.training_tables import Course, PictureQuestion, Quiz, QuizAnswer, QuizAttempt


class Event(SQLModel, table=True):
    """One entry of the append-only log. ``body`` is the leaf of the Merkle tree, byte for byte; ``leaf`` its hash.

    ``inspection_id``: of which inspection it is a part, or None. ``apart``: where things were, which the body has only a hash of, so that
    the log can be shown without (``events.split``). Body and ``apart`` of a purged event are empty; its leaf stays in the tree.
    """

    __table_args__: ClassVar[Any] = (Index("ix_event_inspection_id_seq", "inspection_id", "seq"),)
    seq: int = Field(primary_key=True)
    id: str = Field(unique=True)
    at: str = Field(index=True)
    actor: str
    kind: str = Field(index=True)
    inspection_id: str | None = None
    body: str
    leaf: str
    apart: str | None = None


class Head(SQLModel, table=True):
    """The head of the tree, one row. ``frontier``: its full subtrees (``merkle.frontier``), from which it grows."""

    id: int = Field(default=1, primary_key=True)
    size: int = 0
    root: str = ""
    frontier: list[str | None] = Field(default_factory=list, sa_type=JSON)


class Inspection(SQLModel, table=True):
    """One inspection of one conveyance.

    ``device_time``: the tablet's clock when it was opened, beside ``opened_at``, the server's. ``trained``: whether the inspector had a
    valid certificate then; None where nobody keeps certificates here. ``version``: how often its details were changed.
    """

    id: str = Field(primary_key=True)
    container_number: str = Field(index=True)
    number_problem: str | None = None
    override_reason: str | None = None
    template: str
    template_version: int
    inspector: str
    opened_at: str = Field(index=True)
    device_time: str | None = None
    time_zone: str | None = None
    trained: bool | None = None
    stage: str | None = None
    selection: str | None = None
    size_type: str | None = None
    site: str | None = None
    carrier_scac: str | None = None
    shipment: str | None = None
    origin: str | None = None
    destination: str | None = None
    procedure: str | None = None
    supervisor: str | None = None
    version: int = 0
    disposition: str | None = None
    closed_at: str | None = None
    closed_by: str | None = None
    hold: str | None = None


class Photograph(SQLModel, table=True):
    """The original bytes of a photograph, once, however often it is taken up in inspections.

    ``picture``: SHA-256 of a JPEG without what it says beside its picture (``verify_pack.picture_hash``): that of a copy without place and
    device, too. ``camera``: the model of the device, from EXIF.
    """

    sha256: str = Field(primary_key=True)
    media_type: str
    size: int
    width: int
    height: int
    taken_at: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    picture: str | None = None
    camera: str | None = None


class View(SQLModel, table=True):
    """A photograph at a point of an inspection, and what the model said of it. ``action_id``: the cleaning that it shows the result of."""

    __table_args__: ClassVar[Any] = (UniqueConstraint("inspection_id", "area", "sha256"),)
    id: str = Field(primary_key=True)
    inspection_id: str = Field(foreign_key="inspection.id", index=True)
    area: str
    sha256: str = Field(foreign_key="photograph.sha256", index=True)
    name: str
    added_at: str
    added_by: str
    action_id: str | None = None
    state: str = Field(index=True)
    verdict: str | None = None
    score: float | None = None
    problems: list[str] = Field(default_factory=list, sa_type=JSON)
    model: str | None = None
    thresholds: str | None = None
    seconds: float | None = None
    error: str | None = None


class Finding(SQLModel, table=True):
    """A suggestion of the model and beside it what the person decided, or what a person saw and the model missed.

    ``label`` to ``reason`` are the model's; of a missed one they are empty, and its box may be. ``decided_label`` differs from ``label``
    when corrected. ``severity``: 1 to 3 by the ``rules``, at the decision; None where it is no contamination. ``cargo``: the manifested
    cargo that it is, with the reason. ``version``: how often it was decided on.
    """

    __table_args__: ClassVar[Any] = (Index("ix_finding_view_id", "view_id", "state", "decided_label", "cargo"),)
    id: str = Field(primary_key=True)
    view_id: str = Field(foreign_key="view.id")
    position: int
    label: str | None = None
    group: str | None = None
    probability: float | None = None
    candidates: list[Any] = Field(default_factory=list, sa_type=JSON)
    box: list[int] | None = Field(default=None, sa_type=JSON)
    reason: str = ""
    state: str = Field(index=True)
    decided_label: str | None = None
    decided_by: str | None = None
    decided_at: str | None = None
    condition: str | None = None
    life_stage: str | None = None
    count: int | None = None
    extent: str | None = None
    note: str | None = None
    cargo: str | None = None
    cargo_reason: str | None = None
    severity: int | None = None
    rules: str | None = None
    disposition: str | None = None
    version: int = 0


KEPT = ("confirmed", "corrected", "missed")
"""States of a finding that a person says is there. "missed": the person saw it, the model did not."""


class Contamination(SQLModel, table=True):
    """How many findings of a label people say are there at a point, and are no cargo; label "": 1 where the point was answered so.

    Follows from ``Finding`` and ``Answer``: they are counted as they change, since counting a year's takes a second. ``n`` may be 0.
    """

    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}
    inspection_id: str = Field(primary_key=True, foreign_key="inspection.id")
    area: str = Field(primary_key=True)
    label: str = Field(primary_key=True)
    n: int


class Hint(SQLModel, table=True):
    """What an add-on model says that a finding resembles; never its label.

    ``taxon``: a species, genus or family (``rank``), with its ``probability``; ``species``: the most probable ones, each scientific name,
    English name and probability. ``listed``: the entry of the watch list that it is a hint at. ``agrees``: whether it fits the label of the
    model; None: that says no more than insect. ``addon``: name@version; ``thresholds``: their version.
    """

    finding_id: str = Field(primary_key=True, foreign_key="finding.id")
    addon: str
    thresholds: str
    taxon: str
    rank: str
    probability: float
    species: list[Any] = Field(default_factory=list, sa_type=JSON)
    listed: str | None = None
    agrees: bool | None = None
    hinted_at: str


class Action(SQLModel, table=True):
    """What was done about a finding, and whether a second inspection found the place clean."""

    id: str = Field(primary_key=True)
    finding_id: str = Field(foreign_key="finding.id", index=True)
    method: str
    done_by: str
    done_at: str
    note: str = ""
    recorded_by: str
    recorded_at: str
    clean: bool | None = None
    reinspected_by: str | None = None
    reinspected_at: str | None = None


class Notification(SQLModel, table=True):
    """Who was told, of an inspection or of one finding."""

    id: str = Field(primary_key=True)
    inspection_id: str = Field(foreign_key="inspection.id", index=True)
    finding_id: str | None = Field(default=None, foreign_key="finding.id")
    who: str
    channel: str
    reference: str = ""
    notified_at: str
    recorded_by: str
    recorded_at: str


class Answer(SQLModel, table=True):
    """The answer to one point of an inspection: the last one given; earlier ones are in the log. ``version``: how often it was given."""

    __table_args__: ClassVar[Any] = (Index("ix_answer_inspection_id", "inspection_id", "area", "state", "result"),)
    inspection_id: str = Field(primary_key=True, foreign_key="inspection.id")
    area: str = Field(primary_key=True)
    state: str
    result: str | None = None
    note: str = ""
    answered_by: str
    answered_at: str
    version: int = 0


class CheckAnswer(SQLModel, table=True):
    """The answer to one question of a point, likewise."""

    inspection_id: str = Field(primary_key=True, foreign_key="inspection.id")
    area: str = Field(primary_key=True)
    check_id: str = Field(primary_key=True)
    answer: str
    answered_by: str
    answered_at: str
    version: int = 0


class WoodPackaging(SQLModel, table=True):
    """Wood packaging that was looked at: its ISPM 15 mark as read, what was seen of it, bark and holes, and what to do about it."""

    id: str = Field(primary_key=True)
    inspection_id: str = Field(foreign_key="inspection.id", index=True)
    area: str
    kind: str
    pieces: int
    wood: str
    mark: str
    country: str
    producer: str
    treatment: str
    seen: dict[str, bool] = Field(default_factory=dict, sa_type=JSON)
    bark_width_cm: float | None = None
    bark_area_cm2: float | None = None
    bark: str | None = None
    holes: bool | None = None
    mark_needed: bool | None = None
    warnings: list[str] = Field(default_factory=list, sa_type=JSON)
    recorded_by: str
    recorded_at: str


class SealLine(SQLModel, table=True):
    """One line of the seal register. ``key``: the number in the form that is compared."""

    id: str = Field(primary_key=True)
    act: str
    number: str
    key: str = Field(index=True)
    happened_at: str
    seal_class: str | None = None
    type: str | None = None
    maker: str = ""
    container: str = ""
    document_number: str = ""
    reason: str = ""
    inspection_id: str | None = Field(default=None, foreign_key="inspection.id", index=True)
    recorded_by: str
    recorded_at: str


class SealCheck(SQLModel, table=True):
    """View, Verify, Tug, Twist at one seal of an inspection. ``looks``: of each its answer and note. ``view_id``: photograph of the number."""

    id: str = Field(primary_key=True)
    inspection_id: str = Field(foreign_key="inspection.id", index=True)
    number: str
    document_number: str = ""
    looks: dict[str, list[str]] = Field(sa_type=JSON)
    view_id: str | None = Field(default=None, foreign_key="view.id")
    problems: list[str] = Field(default_factory=list, sa_type=JSON)
    checked_by: str
    checked_at: str


class Signature(SQLModel, table=True):
    """Who signed what, when and as what. ``content``: SHA-256 of the record as it was then (``records.view.content``)."""

    id: str = Field(primary_key=True)
    inspection_id: str = Field(foreign_key="inspection.id", index=True)
    printed_name: str
    meaning: str
    content: str
    signed_by: str
    signed_at: str


class Amendment(SQLModel, table=True):
    """A change of a closed inspection: the kind of event, the row before it (None: there was none), what was written, and why."""

    id: str = Field(primary_key=True)
    inspection_id: str = Field(foreign_key="inspection.id", index=True)
    kind: str
    before: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    after: dict[str, Any] = Field(sa_type=JSON)
    reason: str
    amended_by: str
    amended_at: str


class Certificate(SQLModel, table=True):
    """Proof that a person was trained (CTPAT 12.1). ``key``: the name in the form that is compared."""

    id: str = Field(primary_key=True)
    person: str
    key: str = Field(index=True)
    topic: str
    given_on: str
    expires_on: str
    reference: str = ""
    recorded_by: str
    recorded_at: str
    withdrawn_at: str | None = None
    withdrawn_reason: str | None = None


class Draw(SQLModel, table=True):
    """Whether a conveyance was proposed for a second look, and why (``inspection.selection``); once a day for one conveyance.

    ``key``: the number in the form that is compared. ``value``: what was drawn, from 0 to 1; it follows from ``root``, the head of the log
    when it had ``size`` events, and below ``share`` it is a random draw. ``risk``: times the usual rate, from ``base`` and ``reasons``,
    each a kind, a name, how many were found and of how many. ``inspection_id``, ``chosen``: the inspection that followed, and what the person chose.
    """

    __table_args__: ClassVar[Any] = (UniqueConstraint("key", "day", "site"),)
    id: str = Field(primary_key=True)
    number: str
    key: str
    day: str
    site: str = ""
    proposal: str
    value: float
    share: float
    factor: float
    risk: float
    base: list[int] = Field(sa_type=JSON)
    reasons: list[Any] = Field(default_factory=list, sa_type=JSON)
    root: str
    size: int
    drawn_by: str
    drawn_at: str = Field(index=True)
    inspection_id: str | None = Field(default=None, index=True)
    chosen: str | None = None


class Purge(SQLModel, table=True):
    """An inspection whose record was erased after its retention. ``events``: their places in the log; ``photographs``: those erased."""

    inspection_id: str = Field(primary_key=True)
    events: list[int] = Field(sa_type=JSON)
    photographs: list[str] = Field(sa_type=JSON)
    reason: str
    purged_by: str
    purged_at: str


class Export(SQLModel, table=True):
    """What was taken out of the records, by whom. ``filter``: the fields of ``records.filter.Filter`` that were set; ``rows``: how many
    inspections, or lines of the one table; ``sha256`` and ``size`` of the file, where known; ``location``: whether places and originals went too.
    ``inspections``: of an evidence pack, of each inspection how many events it had and the place of the last: what makes a gap show.
    """

    id: str = Field(primary_key=True)
    what: str
    format: str
    part: str | None = None
    filter: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    rows: int | None = None
    sha256: str | None = None
    size: int | None = None
    location: bool = False
    inspection_id: str | None = Field(default=None, foreign_key="inspection.id", index=True)
    exported_by: str
    exported_at: str = Field(index=True)
    inspections: dict[str, list[int]] | None = Field(default=None, sa_type=JSON)


STATE: tuple[type[SQLModel], ...] = (
    Inspection,
    Photograph,
    View,
    Finding,
    Hint,
    Action,
    Notification,
    Answer,
    Contamination,
    CheckAnswer,
    WoodPackaging,
    SealLine,
    SealCheck,
    Party,
    Leg,
    Fix,
    Signature,
    Amendment,
    Review,
    ReviewState,
    Certificate,
    PictureQuestion,
    Quiz,
    QuizAttempt,
    QuizAnswer,
    Course,
    Draw,
    Purge,
    Export,
    Account,
    Token,
    SigningKey,
    Promotion,
    ModelFile,
    Dataset,
)
"""The tables that follow from the events, parents first."""
