"""discord commands

What is configured and asked from inside Discord: where plans are announced and alarms go, who changed what, which
commands Discord knows, and whose words are never stored again.

Code without the list of erased people would store their words again, so the floor rises.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_REASONS = "'no_text', 'sample', 'bad_id', 'bad_time', 'bad_json', 'no_event_type', 'too_long', 'changed', 'refused'"


def upgrade() -> None:
    op.execute("UPDATE schema_floor SET floor = 2")
    _set_words("ingestion_gaps", "outcome", "'fetched', 'unreachable', 'cancelled'")
    _set_words("import_quarantine", "reason", f"{_REASONS}, 'erased'")
    _extend_channels()
    _create_settings()
    _create_announcements()


def _set_words(table: str, column: str, words: str) -> None:
    """The words that the CHECK of a column allows."""
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, sa.text(f"{column} IN ({words})"))


def _extend_channels() -> None:
    op.add_column("discord_channels", sa.Column("announce_to", sa.BigInteger(), nullable=True))
    op.add_column(
        "discord_channels",
        sa.Column("includes_threads", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_discord_channels_announce_to"), "discord_channels", sa.text("announce_to <> channel_id")
    )
    op.create_foreign_key(
        op.f("fk_discord_channels_announce_to"),
        "discord_channels",
        "discord_channels",
        ["announce_to"],
        ["channel_id"],
    )
    op.create_table(
        "channel_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=True),
        sa.Column("changed", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("source IN ('discord', 'command_line', 'setting')", name=op.f("ck_channel_changes_source")),
        sa.CheckConstraint(
            "(source = 'discord') = (changed_by IS NOT NULL)", name=op.f("ck_channel_changes_changed_by")
        ),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["discord_channels.channel_id"], name=op.f("fk_channel_changes_channel_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_changes")),
    )
    op.create_index("ix_channel_changes_channel_id", "channel_changes", ["channel_id"])


def _create_settings() -> None:
    op.create_table(
        "guild_settings",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("alarm_channel_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_guild_settings")),
    )
    op.create_table(
        "synced_commands",
        sa.Column("application_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("commands_hash", sa.LargeBinary(), nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_synced_commands")),
    )
    op.create_table(
        "erased_users",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("name_hashes", postgresql.ARRAY(sa.LargeBinary()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_erased_users")),
    )


def _create_announcements() -> None:
    op.create_table(
        "announcements",
        sa.Column("plan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *_own_post(),
        sa.CheckConstraint(_POST_STATES, name=op.f("ck_announcements_state")),
        sa.ForeignKeyConstraint(["plan_id"], ["ticker_plans.id"], name=op.f("fk_announcements_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_announcements")),
    )
    op.create_table(
        "alarms",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        *_own_post(),
        sa.CheckConstraint(_POST_STATES, name=op.f("ck_alarms_state")),
        sa.CheckConstraint(
            "kind IN ('message', 'gap', 'content', 'announcing', 'dead_letters')", name=op.f("ck_alarms_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
    )
    op.create_index(
        "uq_alarms_open",
        "alarms",
        ["guild_id", "kind", "subject"],
        unique=True,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    for table in ("announcements", "alarms"):
        op.create_index(f"ix_{table}_due", table, ["asked_at"], postgresql_where=sa.text("answered < asked"))


_POST_STATES = "state IN ('waiting', 'sending', 'posted', 'deleted')"


def _own_post() -> list[sa.Column[Any]]:
    return [
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("sending_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("answered", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    ]


def downgrade() -> None:
    for table in ("alarms", "announcements", "erased_users", "synced_commands", "guild_settings", "channel_changes"):
        op.drop_table(table)
    op.drop_constraint(op.f("fk_discord_channels_announce_to"), "discord_channels", type_="foreignkey")
    op.drop_column("discord_channels", "includes_threads")
    op.drop_column("discord_channels", "announce_to")
    op.execute("UPDATE ingestion_gaps SET outcome = 'unreachable' WHERE outcome = 'cancelled'")
    _set_words("ingestion_gaps", "outcome", "'fetched', 'unreachable'")
    op.execute("UPDATE import_quarantine SET reason = 'refused' WHERE reason = 'erased'")
    _set_words("import_quarantine", "reason", _REASONS)
    op.execute("UPDATE schema_floor SET floor = 1")
