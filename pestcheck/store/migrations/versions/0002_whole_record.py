"""The whole record: details, questions, findings by people, actions, wood packaging, seals, legs, signatures, amendments, purges."""

from contextlib import AbstractContextManager

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0002"
down_revision = "0001"

TEXTS = {
    "inspection": (
        "device_time", "time_zone", "stage", "selection", "size_type", "site", "carrier_scac", "shipment", "origin", "destination",
        "procedure", "supervisor", "disposition", "hold",
    ),
    "view": ("action_id",),
    "finding": ("condition", "life_stage", "extent", "note", "cargo", "cargo_reason", "rules", "disposition"),
}  # fmt: skip
MODEL_SAYS = {"label": sa.String(), "group": sa.String(), "probability": sa.Float(), "box": sa.JSON()}
"""Of a finding, what is empty where only a person saw it."""


def upgrade() -> None:
    with op.batch_alter_table("event") as batch:
        batch.add_column(sa.Column("inspection_id", sa.String))
        batch.create_index("ix_event_inspection_id", ["inspection_id"])
    for table, names in TEXTS.items():
        with op.batch_alter_table(table) as batch:
            for name in names:
                batch.add_column(sa.Column(name, sa.String))
    with op.batch_alter_table("inspection") as batch:
        batch.add_column(sa.Column("trained", sa.Boolean))
        batch.add_column(sa.Column("version", sa.Integer, nullable=False, server_default="0"))
    with op.batch_alter_table("finding") as batch:
        for name in ("count", "severity"):
            batch.add_column(sa.Column(name, sa.Integer))
        batch.add_column(sa.Column("version", sa.Integer, nullable=False, server_default="0"))
        for name, kind in MODEL_SAYS.items():
            batch.alter_column(name, existing_type=kind, nullable=True)
    with op.batch_alter_table("answer") as batch:
        batch.add_column(sa.Column("version", sa.Integer, nullable=False, server_default="0"))
    _new_tables()


def _text(name: str, *more: sa.ForeignKey, key: bool = False, empty: bool = False, index: bool = False) -> sa.Column:
    return sa.Column(name, sa.String, *more, primary_key=key, nullable=empty, index=index)


def _of(table: str, *, key: bool = False, empty: bool = False, index: bool = True, column: str = "id") -> sa.Column:
    return _text(f"{table}_id", sa.ForeignKey(f"{table}.{column}"), key=key, empty=empty, index=index and not key)


def _recorded() -> tuple[sa.Column, sa.Column]:
    return _text("recorded_by"), _text("recorded_at")


def _new_tables() -> None:
    op.create_table(
        "action", _text("id", key=True), _of("finding"), _text("method"), _text("done_by"), _text("done_at"), _text("note"), *_recorded(),
        sa.Column("clean", sa.Boolean), _text("reinspected_by", empty=True), _text("reinspected_at", empty=True),
    )  # fmt: skip
    op.create_table(
        "notification", _text("id", key=True), _of("inspection"), _of("finding", empty=True, index=False), _text("who"), _text("channel"),
        _text("reference"), _text("notified_at"), *_recorded(),
    )  # fmt: skip
    op.create_table(
        "checkanswer", _of("inspection", key=True), _text("area", key=True), _text("check_id", key=True), _text("answer"),
        _text("answered_by"), _text("answered_at"), sa.Column("version", sa.Integer, nullable=False),
    )  # fmt: skip
    op.create_table(
        "woodpackaging", _text("id", key=True), _of("inspection"), _text("area"), _text("kind"),
        sa.Column("pieces", sa.Integer, nullable=False), _text("wood"), _text("mark"), _text("country"), _text("producer"),
        _text("treatment"), sa.Column("seen", sa.JSON, nullable=False), sa.Column("bark_width_cm", sa.Float),
        sa.Column("bark_area_cm2", sa.Float), _text("bark", empty=True), sa.Column("holes", sa.Boolean), sa.Column("mark_needed", sa.Boolean),
        sa.Column("warnings", sa.JSON, nullable=False), *_recorded(),
    )  # fmt: skip
    op.create_table(
        "sealline", _text("id", key=True), _text("act"), _text("number"), _text("key", index=True), _text("happened_at"),
        _text("seal_class", empty=True), _text("type", empty=True), _text("maker"), _text("container"), _text("document_number"),
        _text("reason"), _of("inspection", empty=True), *_recorded(),
    )  # fmt: skip
    op.create_table(
        "sealcheck", _text("id", key=True), _of("inspection"), _text("number"), _text("document_number"),
        sa.Column("looks", sa.JSON, nullable=False), _of("view", empty=True, index=False), sa.Column("problems", sa.JSON, nullable=False),
        _text("checked_by"), _text("checked_at"),
    )  # fmt: skip
    op.create_table(
        "party", _text("id", key=True), _text("name"), sa.Column("key", sa.String, nullable=False, unique=True), _text("role"),
        _text("scac"), *_recorded(),
    )  # fmt: skip
    op.create_table(
        "leg", _text("id", key=True), _of("inspection"), sa.Column("position", sa.Integer, nullable=False),
        *(_text(name, sa.ForeignKey("party.id")) for name in ("tendered_by", "received_by")), _text("origin"), _text("destination"),
        *(_text(name, empty=True) for name in ("planned_departure", "planned_arrival", "departed", "arrived")), *_recorded(),
    )  # fmt: skip
    op.create_table(
        "fix", _of("leg", key=True), _text("at", key=True), sa.Column("latitude", sa.Float, nullable=False),
        sa.Column("longitude", sa.Float, nullable=False),
    )  # fmt: skip
    op.create_table(
        "signature", _text("id", key=True), _of("inspection"), _text("printed_name"), _text("meaning"), _text("content"),
        _text("signed_by"), _text("signed_at"),
    )  # fmt: skip
    op.create_table(
        "amendment", _text("id", key=True), _of("inspection"), _text("kind"), sa.Column("before", sa.JSON),
        sa.Column("after", sa.JSON, nullable=False), _text("reason"), _text("amended_by"), _text("amended_at"),
    )  # fmt: skip
    op.create_table(
        "certificate", _text("id", key=True), _text("person"), _text("key", index=True), _text("topic"), _text("given_on"),
        _text("expires_on"), _text("reference"), *_recorded(), _text("withdrawn_at", empty=True), _text("withdrawn_reason", empty=True),
    )  # fmt: skip
    op.create_table(
        "purge", _text("inspection_id", key=True), sa.Column("events", sa.JSON, nullable=False),
        sa.Column("photographs", sa.JSON, nullable=False), _text("reason"), _text("purged_by"), _text("purged_at"),
    )  # fmt: skip


def _in_place(table: str) -> AbstractContextManager[BatchOperations]:
    """Alter a table as it is: making it anew, SQLite would drop the old one with the rows that refer to it."""
    return op.batch_alter_table(table, recreate="never")


def downgrade() -> None:
    """Back to the first tables. What only the new ones hold stays in the log; findings that only people saw are left out."""
    for table in (
        "purge", "certificate", "amendment", "signature", "fix", "leg", "party", "sealcheck", "sealline", "woodpackaging", "checkanswer",
        "notification", "action",
    ):  # fmt: skip
        op.drop_table(table)
    op.execute("DELETE FROM finding WHERE label IS NULL")
    with _in_place("answer") as batch:
        batch.drop_column("version")
    with op.batch_alter_table("finding") as batch:
        for name, kind in MODEL_SAYS.items():
            batch.alter_column(name, existing_type=kind, nullable=False)
    with _in_place("finding") as batch:
        for name in ("count", "severity", "version"):
            batch.drop_column(name)
    with _in_place("inspection") as batch:
        for name in ("trained", "version"):
            batch.drop_column(name)
    for table, names in TEXTS.items():
        with _in_place(table) as batch:
            for name in names:
                batch.drop_column(name)
    with _in_place("event") as batch:
        batch.drop_index("ix_event_inspection_id")
        batch.drop_column("inspection_id")
