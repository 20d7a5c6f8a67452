"""The tables, as Alembic compares them with the database. Rows are read and written by SQL, never by these classes.

Snowflakes are bigint, times timestamptz in UTC, prices numeric, states text with a CHECK.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy import (
    text as sql,
)
from sqlalchemy.dialects.postgresql import ARRAY, INT4RANGE, INT8MULTIRANGE, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from parsers import reading
from worker.words import (
    AlarmKind,
    ChangeSource,
    ChannelKind,
    GapOutcome,
    GapReason,
    ImportOutcome,
    ImportState,
    LetterState,
    MigrationDirection,
    Origin,
    ParseState,
    PermissionState,
    PlanState,
    PostState,
    QuarantineReason,
    SetAsideKind,
)


def _one_of(column: str, words: object, name: str) -> CheckConstraint:
    """A CHECK that a text column holds one of a Literal's words."""
    listed = ", ".join(f"'{word}'" for word in get_args(words))
    return CheckConstraint(f"{column} IN ({listed})", name=name)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads it from the class
        int: BigInteger,
        str: Text,
        datetime: DateTime(timezone=True),
        date: Date,
        Decimal: Numeric,
        UUID: Uuid,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: ARRAY(Text),
        bytes: LargeBinary,
    }


class DiscordChannel(Base):
    """A channel that is or was configured, or that messages were brought from.

    Its row is what writers lock, so everything that happens in one channel happens one after the other."""

    __tablename__ = "discord_channels"
    __table_args__ = (
        _one_of("kind", ChannelKind, "kind"),
        _one_of("permission_state", PermissionState, "permission_state"),
        CheckConstraint("announce_to <> channel_id", name="announce_to"),
    )

    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    guild_id: Mapped[int | None]
    name: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[str] = mapped_column(server_default="unknown")
    parent_id: Mapped[int | None]
    is_listen: Mapped[bool] = mapped_column(server_default=sql("false"))
    is_announce: Mapped[bool] = mapped_column(server_default=sql("false"))
    is_active: Mapped[bool] = mapped_column(server_default=sql("true"))
    parser: Mapped[str | None]  # null: detect
    covered: Mapped[Any] = mapped_column(INT8MULTIRANGE, server_default=sql("'{}'"))
    history_from: Mapped[datetime | None]
    permission_state: Mapped[str] = mapped_column(server_default="unknown")
    permission_checked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))
    # Up to which moment archived threads are known; what was archived later is looked for again.
    threads_checked_at: Mapped[datetime | None]
    unreachable_since: Mapped[datetime | None]  # deleted, or the bot was removed
    # Where its plans are announced; that channel's `is_announce` follows from it.
    announce_to: Mapped[int | None] = mapped_column(ForeignKey("discord_channels.channel_id"))
    includes_threads: Mapped[bool] = mapped_column(server_default=sql("true"))


class ChannelChange(Base):
    """Who changed what of a channel's configuration, written with the change. `changed_by` is a Discord user's id."""

    __tablename__ = "channel_changes"
    __table_args__ = (
        _one_of("source", ChangeSource, "source"),
        CheckConstraint("(source = 'discord') = (changed_by IS NOT NULL)", name="changed_by"),
        Index("ix_channel_changes_channel_id", "channel_id"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("discord_channels.channel_id"))
    source: Mapped[str]
    changed_by: Mapped[int | None]
    changed: Mapped[dict[str, Any]]
    correlation_id: Mapped[UUID]
    changed_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))


class GuildSettings(Base):
    """What a guild's admins chose for all of it: where the worker's alarms go."""

    __tablename__ = "guild_settings"

    guild_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    alarm_channel_id: Mapped[int | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))


class SyncedCommands(Base):
    """The commands that Discord was given for an application: a hash, so that it is asked only after a change."""

    __tablename__ = "synced_commands"

    application_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    commands_hash: Mapped[bytes]
    synced_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))


class ErasedUser(Base):
    """A person whose words and name are not stored, and never again; `asked_by` is the Discord user who asked.

    By `name_hashes` an old row is recognised that has nothing but a name. `finished_at`: what was stored is gone."""

    __tablename__ = "erased_users"

    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    asked_by: Mapped[int]
    asked_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))
    name_hashes: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary), server_default=sql("'{}'"))
    finished_at: Mapped[datetime | None]


class DiscordMessage(Base):
    """A message with its newest text. It is never deleted: `deleted_at` makes it a tombstone.

    A deletion that comes before its creation leaves a row without `raw`, which the creation fills in later."""

    __tablename__ = "discord_messages"
    __table_args__ = (
        _one_of("origin", Origin, "origin"),
        _one_of("parse_state", ParseState, "parse_state"),
        Index("ix_discord_messages_channel_id_message_id", "channel_id", "message_id"),
        # The sweep looks for what is still to be parsed; nearly nothing ever is.
        Index("ix_discord_messages_pending", "message_id", postgresql_where=sql("parse_state = 'pending'")),
    )

    message_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel_id: Mapped[int] = mapped_column(ForeignKey("discord_channels.channel_id"))
    guild_id: Mapped[int | None]
    author_id: Mapped[int | None]
    author_name: Mapped[str | None]
    is_webhook: Mapped[bool] = mapped_column(server_default=sql("false"))
    kind: Mapped[str] = mapped_column(server_default="default")
    content: Mapped[str] = mapped_column(server_default="")
    text: Mapped[str] = mapped_column(server_default="")
    embeds: Mapped[list[Any] | None]
    attachments: Mapped[list[Any] | None]
    raw: Mapped[dict[str, Any] | None]
    raw_original: Mapped[bytes | None]
    text_flags: Mapped[list[str] | None]
    posted_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    deletion_inferred: Mapped[bool] = mapped_column(server_default=sql("false"))
    revision: Mapped[int] = mapped_column(Integer, server_default=sql("1"))
    origin: Mapped[str]
    parse_state: Mapped[str] = mapped_column(server_default="pending")
    parse_reason: Mapped[str | None]
    parser: Mapped[str | None]
    parser_version: Mapped[int | None] = mapped_column(Integer)
    correlation_id: Mapped[UUID]
    received_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))


class MessageRevision(Base):
    """A former text of a message; the first text has no edit time."""

    __tablename__ = "message_revisions"
    __table_args__ = (UniqueConstraint("message_id", "edited_at", postgresql_nulls_not_distinct=True),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("discord_messages.message_id"))
    edited_at: Mapped[datetime | None]
    content: Mapped[str]
    text: Mapped[str]
    raw: Mapped[dict[str, Any] | None]
    seen_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))


class TickerPlan(Base):
    """What one message says about one ticker for one trading day.

    `state` follows from the other plans of the same channel, ticker and trading day, never from arrival order.
    `fingerprint` is equal for plans that read the same."""

    __tablename__ = "ticker_plans"
    __table_args__ = (
        _one_of("trading_day_source", reading.TradingDaySource, "trading_day_source"),
        _one_of("bias_direction", reading.BiasDirection, "bias_direction"),
        _one_of("state", PlanState, "state"),
        Index("ix_ticker_plans_message_id", "message_id"),
        Index("ix_ticker_plans_ticker_trading_day", "ticker", "trading_day"),
        # Two plans must never both be what a trader should look at.
        Index(
            "uq_ticker_plans_one_current",
            "channel_id",
            "ticker",
            "trading_day",
            unique=True,
            postgresql_where=sql("state = 'current' AND is_day_plan AND ticker IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("discord_messages.message_id"))
    channel_id: Mapped[int]
    position: Mapped[int] = mapped_column(SmallInteger)
    is_day_plan: Mapped[bool]  # alerts are not, and never supersede
    ticker: Mapped[str | None]
    trading_day: Mapped[date]
    trading_day_source: Mapped[str]
    bias_text: Mapped[str | None]
    bias_direction: Mapped[str | None]
    fingerprint: Mapped[bytes]
    state: Mapped[str]
    superseded_by: Mapped[int | None] = mapped_column(ForeignKey("ticker_plans.id"))
    flags: Mapped[list[str]] = mapped_column(server_default=sql("'{}'"))
    created_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))


class TradeSetup(Base):
    """One tradable line. It keeps its id through edits that leave its ticker, kind, strategy and triggers."""

    __tablename__ = "trade_setups"
    __table_args__ = (
        _one_of("kind", reading.Kind, "kind"),
        _one_of("strategy", reading.Strategy, "strategy"),
        _one_of("direction", reading.Direction, "direction"),
        _one_of("state", PlanState, "state"),
        Index("ix_trade_setups_plan_id", "plan_id"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("ticker_plans.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[str]
    strategy: Mapped[str | None]
    direction: Mapped[str]
    raw_line: Mapped[str]
    span: Mapped[Any] = mapped_column(INT4RANGE)
    confidence: Mapped[Decimal]
    flags: Mapped[list[str]] = mapped_column(server_default=sql("'{}'"))
    state: Mapped[str]
    instrument: Mapped[dict[str, Any] | None]
    quantity: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))


class SetupRevision(Base):
    """A former state of a setup, as its events tell it, and when that ended."""

    __tablename__ = "setup_revisions"
    __table_args__ = (Index("ix_setup_revisions_setup_id", "setup_id"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    setup_id: Mapped[int] = mapped_column(ForeignKey("trade_setups.id"))
    data: Mapped[dict[str, Any]]
    until: Mapped[datetime] = mapped_column(server_default=sql("now()"))


class ParsedLevel(Base):
    """One price of a plan. A level of the bias has no setup."""

    __tablename__ = "parsed_levels"
    __table_args__ = (
        _one_of("role", reading.Role, "role"),
        _one_of("relation", reading.Relation, "relation"),
        CheckConstraint("price_low <= price_high", name="zone"),
        Index("ix_parsed_levels_plan_id", "plan_id"),
        Index("ix_parsed_levels_setup_id", "setup_id"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("ticker_plans.id"))
    setup_id: Mapped[int | None] = mapped_column(ForeignKey("trade_setups.id"))
    role: Mapped[str]
    sequence: Mapped[int] = mapped_column(SmallInteger)
    price_low: Mapped[Decimal]
    price_high: Mapped[Decimal]
    relation: Mapped[str | None]
    span: Mapped[Any] = mapped_column(INT4RANGE)


class OwnPost:
    """The columns of what the worker itself keeps posted in a Discord channel.

    `asked` counts how often its text may have changed, `answered` up to which of these Discord was brought. It is
    `sending` before it is sent, so that after a crash it is looked for from `sending_since` on; `deleted` is one that
    somebody took away. `content_hash` is of what was posted last."""

    channel_id: Mapped[int]
    message_id: Mapped[int | None]
    content_hash: Mapped[bytes | None]
    state: Mapped[str] = mapped_column(server_default="waiting")
    sending_since: Mapped[datetime | None]
    asked: Mapped[int] = mapped_column(server_default=sql("1"))
    asked_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))
    answered: Mapped[int] = mapped_column(server_default=sql("0"))
    tries: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    retry_at: Mapped[datetime | None]
    reason: Mapped[str | None]  # why the last try failed
    created_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))


class Announcement(OwnPost, Base):
    """A plan's post in the channel that it is announced in."""

    __tablename__ = "announcements"
    __table_args__ = (
        _one_of("state", PostState, "state"),
        # What is due is asked for every second, and nearly nothing ever is.
        Index("ix_announcements_due", "asked_at", postgresql_where=sql("answered < asked")),
    )

    plan_id: Mapped[int] = mapped_column(ForeignKey("ticker_plans.id"), primary_key=True, autoincrement=False)


class Alarm(OwnPost, Base):
    """An alarm of a guild's admins. `subject` is what it is about, such as a message's id; one that is over is cleared,
    and the same can be raised anew."""

    __tablename__ = "alarms"
    __table_args__ = (
        _one_of("state", PostState, "state"),
        _one_of("kind", AlarmKind, "kind"),
        Index("ix_alarms_due", "asked_at", postgresql_where=sql("answered < asked")),
        Index("uq_alarms_open", "guild_id", "kind", "subject", unique=True, postgresql_where=sql("cleared_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    guild_id: Mapped[int]
    kind: Mapped[str]
    subject: Mapped[str]
    sentence: Mapped[str]
    cleared_at: Mapped[datetime | None]


class IngestionGap(Base):
    """A range of message ids that was found missing; what still is missing of it follows from coverage."""

    __tablename__ = "ingestion_gaps"
    __table_args__ = (
        _one_of("reason", GapReason, "reason"),
        _one_of("outcome", GapOutcome, "outcome"),
        CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name="closed"),
        Index("ix_ingestion_gaps_open", "channel_id", postgresql_where=sql("closed_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("discord_channels.channel_id"))
    first_id: Mapped[int]
    last_id: Mapped[int]
    reason: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str | None]


class ChannelVerification(Base):
    """That a stretch of a channel was compared with Discord, message by message, and when."""

    __tablename__ = "channel_verifications"
    __table_args__ = (Index("ix_channel_verifications_channel_id_first_id", "channel_id", "first_id"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("discord_channels.channel_id"))
    first_id: Mapped[int]
    last_id: Mapped[int]
    verified_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))


class IngestLease(Base):
    """One row: how often the right to ingest was taken, and by whom last."""

    __tablename__ = "ingest_lease"
    __table_args__ = (CheckConstraint("only_row", name="only_row"),)

    only_row: Mapped[bool] = mapped_column(primary_key=True, server_default=sql("true"))
    epoch: Mapped[int]
    holder: Mapped[str | None]
    taken_at: Mapped[datetime | None]


class Event(Base):
    """A fact that committed. Ids come in commit order; `created_at` tells about when and is no order."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_channel_id", "channel", "id"),
        Index("ix_events_correlation_id", "correlation_id"),
    )

    # BY DEFAULT, so that imported history can have negative ids.
    id: Mapped[int] = mapped_column(Identity(always=False), primary_key=True)
    channel: Mapped[str] = mapped_column(String(50))
    event_type: Mapped[str] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(String(100))
    correlation_id: Mapped[UUID]
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))


class EventConsumer(Base):
    """A reader of events, by name. Everything up to `position` is dealt with.

    `tries` and `retry_at` are about what comes right after it and failed; up to `failed_up_to` events are handed over
    one by one. Who holds the lease reads; each holder has a higher `lease_token`, and writes only while it is the last.
    """

    __tablename__ = "event_consumers"

    name: Mapped[str] = mapped_column(primary_key=True)
    channels: Mapped[list[str]] = mapped_column(server_default=sql("'{}'"))  # none: all
    started_after: Mapped[int]  # the position it began at
    position: Mapped[int]
    tries: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    failed_up_to: Mapped[int | None]
    reason: Mapped[str | None]
    retry_at: Mapped[datetime | None]
    lease_token: Mapped[int] = mapped_column(server_default=sql("0"))
    lease_holder: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))


class EventLetter(Base):
    """An event for one consumer beside the stream: one that failed too often, or one to be handed over again.

    A dead letter waits for a person; requeued it is waiting, and handled it is taken. It keeps the event's columns,
    because retention may remove the event."""

    __tablename__ = "event_letters"
    __table_args__ = (
        _one_of("state", LetterState, "state"),
        # Readers ask at every poll, and nearly nothing ever waits.
        Index("ix_event_letters_waiting", "consumer", "event_id", postgresql_where=sql("state = 'waiting'")),
    )

    consumer: Mapped[str] = mapped_column(ForeignKey("event_consumers.name", ondelete="CASCADE"), primary_key=True)
    event_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(String(50))
    event_type: Mapped[str] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(String(100))
    correlation_id: Mapped[UUID]
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    state: Mapped[str]
    is_replay: Mapped[bool] = mapped_column(server_default=sql("false"))
    tries: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    reason: Mapped[str | None]
    retry_at: Mapped[datetime | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))


class EventAcknowledgement(Base):
    """When a consumer had dealt with all its events up to an id: what `trace` tells its latency by."""

    __tablename__ = "event_acknowledgements"

    consumer: Mapped[str] = mapped_column(ForeignKey("event_consumers.name", ondelete="CASCADE"), primary_key=True)
    up_to: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    acknowledged_at: Mapped[datetime] = mapped_column(server_default=sql("clock_timestamp()"))


class MigrationRun(Base):
    """One applied or reverted revision, written in that revision's own transaction."""

    __tablename__ = "migration_runs"
    __table_args__ = (_one_of("direction", MigrationDirection, "direction"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    revision: Mapped[str]
    direction: Mapped[str]
    duration_milliseconds: Mapped[int | None] = mapped_column(Integer)
    lock_wait_milliseconds: Mapped[int | None] = mapped_column(Integer)
    applied_by: Mapped[str]
    applied_at: Mapped[datetime] = mapped_column(server_default=sql("clock_timestamp()"))
    is_told: Mapped[bool] = mapped_column(server_default=sql("false"))  # `schema.migrated` stands in `events`


class ImportRun(Base):
    """One import of a former application's tables. Interrupted it stays `running` and is resumed; `source` is the
    other database that the tables lie in, empty for this one.

    `tables` has each table's checksum at the start, how many of its rows are done, and what became of them."""

    __tablename__ = "import_runs"
    __table_args__ = (
        _one_of("state", ImportState, "state"),
        Index("uq_import_runs_one_running", "source", unique=True, postgresql_where=sql("state = 'running'")),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    source: Mapped[str]
    state: Mapped[str]
    plan: Mapped[dict[str, Any]]
    tables: Mapped[dict[str, Any]]
    started_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))
    finished_at: Mapped[datetime | None]


class LegacyRow(Base):
    """A row of a former application's table, whole (column -> text), and the row of ours that it became or is in."""

    __tablename__ = "legacy_map"
    __table_args__ = (_one_of("outcome", ImportOutcome, "outcome"),)

    old_table: Mapped[str] = mapped_column(primary_key=True)
    old_key: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    new_table: Mapped[str]
    new_id: Mapped[int]
    row: Mapped[dict[str, Any]]


class QuarantinedRow(Base):
    """A row of a former application's table that could not be taken, whole (column -> text), and why."""

    __tablename__ = "import_quarantine"
    __table_args__ = (_one_of("reason", QuarantineReason, "reason"),)

    old_table: Mapped[str] = mapped_column(primary_key=True)
    old_key: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    detail: Mapped[str]
    row: Mapped[dict[str, Any]]
    tried_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))


class SchemaFloor(Base):
    """One row: the lowest SCHEMA_LEVEL of the code that may run on this schema."""

    __tablename__ = "schema_floor"
    __table_args__ = (CheckConstraint("only_row", name="only_row"),)

    only_row: Mapped[bool] = mapped_column(primary_key=True, server_default=sql("true"))
    floor: Mapped[int] = mapped_column(Integer)


class SetAside(Base):
    """A name that was taken by another application and what it was renamed to, so that a downgrade can give it back."""

    __tablename__ = "set_aside"
    __table_args__ = (_one_of("kind", SetAsideKind, "kind"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    kind: Mapped[str]
    relation: Mapped[str]  # the table it belongs to, under its new name
    former_name: Mapped[str]
    present_name: Mapped[str]
