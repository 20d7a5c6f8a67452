"""store

What is kept of Discord and what is read out of it, and the view that shows both flat.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "discord_channels",
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), server_default="unknown", nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("is_listen", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_announce", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("parser", sa.Text(), nullable=True),
        sa.Column("covered", postgresql.INT8MULTIRANGE(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("history_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("permission_state", sa.Text(), server_default="unknown", nullable=False),
        sa.Column("permission_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('text', 'news', 'thread', 'forum', 'voice', 'direct', 'legacy', 'unknown')",
            name=op.f("ck_discord_channels_kind"),
        ),
        sa.CheckConstraint(
            "permission_state IN ('unknown', 'granted', 'missing')", name=op.f("ck_discord_channels_permission_state")
        ),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_discord_channels")),
    )
    op.create_table(
        "discord_messages",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=True),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
        sa.Column("author_name", sa.Text(), nullable=True),
        sa.Column("is_webhook", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("kind", sa.Text(), server_default="default", nullable=False),
        sa.Column("content", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("embeds", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("attachments", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("raw", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("raw_original", sa.LargeBinary(), nullable=True),
        sa.Column("text_flags", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deletion_inferred", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("parse_state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("parse_reason", sa.Text(), nullable=True),
        sa.Column("parser", sa.Text(), nullable=True),
        sa.Column("parser_version", sa.Integer(), nullable=True),
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "origin IN ('live', 'history', 'replay', 'legacy')", name=op.f("ck_discord_messages_origin")
        ),
        sa.CheckConstraint(
            "parse_state IN ('pending', 'parsed', 'empty', 'not_a_plan', 'failed')",
            name=op.f("ck_discord_messages_parse_state"),
        ),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["discord_channels.channel_id"], name=op.f("fk_discord_messages_channel_id")
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_discord_messages")),
    )
    op.create_index(
        "ix_discord_messages_channel_id_message_id", "discord_messages", ["channel_id", "message_id"], unique=False
    )
    op.create_index(
        "ix_discord_messages_pending",
        "discord_messages",
        ["message_id"],
        unique=False,
        postgresql_where=sa.text("parse_state = 'pending'"),
    )
    op.create_table(
        "message_revisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("raw", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["discord_messages.message_id"], name=op.f("fk_message_revisions_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_revisions")),
        sa.UniqueConstraint(
            "message_id",
            "edited_at",
            name=op.f("uq_message_revisions_message_id_edited_at"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "ticker_plans",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("is_day_plan", sa.Boolean(), nullable=False),
        sa.Column("ticker", sa.Text(), nullable=True),
        sa.Column("trading_day", sa.Date(), nullable=False),
        sa.Column("trading_day_source", sa.Text(), nullable=False),
        sa.Column("bias_text", sa.Text(), nullable=True),
        sa.Column("bias_direction", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("superseded_by", sa.BigInteger(), nullable=True),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("bias_direction IN ('bullish', 'bearish')", name=op.f("ck_ticker_plans_bias_direction")),
        sa.CheckConstraint("state IN ('current', 'superseded', 'withdrawn')", name=op.f("ck_ticker_plans_state")),
        sa.CheckConstraint(
            "trading_day_source IN ('header', 'posted_at')", name=op.f("ck_ticker_plans_trading_day_source")
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["discord_messages.message_id"], name=op.f("fk_ticker_plans_message_id")
        ),
        sa.ForeignKeyConstraint(["superseded_by"], ["ticker_plans.id"], name=op.f("fk_ticker_plans_superseded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticker_plans")),
    )
    op.create_index("ix_ticker_plans_message_id", "ticker_plans", ["message_id"], unique=False)
    op.create_index("ix_ticker_plans_ticker_trading_day", "ticker_plans", ["ticker", "trading_day"], unique=False)
    op.create_index(
        "uq_ticker_plans_one_current",
        "ticker_plans",
        ["channel_id", "ticker", "trading_day"],
        unique=True,
        postgresql_where=sa.text("state = 'current' AND is_day_plan AND ticker IS NOT NULL"),
    )
    op.create_table(
        "trade_setups",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=True),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("raw_line", sa.Text(), nullable=False),
        sa.Column("span", postgresql.INT4RANGE(), nullable=False),
        sa.Column("confidence", sa.Numeric(), nullable=False),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("instrument", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("quantity", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("direction IN ('long', 'short')", name=op.f("ck_trade_setups_direction")),
        sa.CheckConstraint(
            "kind IN ('rejection', 'breakdown', 'breakout', 'bounce', 'entry', 'exit')",
            name=op.f("ck_trade_setups_kind"),
        ),
        sa.CheckConstraint("state IN ('current', 'superseded', 'withdrawn')", name=op.f("ck_trade_setups_state")),
        sa.CheckConstraint("strategy IN ('aggressive', 'conservative')", name=op.f("ck_trade_setups_strategy")),
        sa.ForeignKeyConstraint(["plan_id"], ["ticker_plans.id"], name=op.f("fk_trade_setups_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trade_setups")),
    )
    op.create_index("ix_trade_setups_plan_id", "trade_setups", ["plan_id"], unique=False)
    op.create_table(
        "parsed_levels",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("setup_id", sa.BigInteger(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("sequence", sa.SmallInteger(), nullable=False),
        sa.Column("price_low", sa.Numeric(), nullable=False),
        sa.Column("price_high", sa.Numeric(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=True),
        sa.Column("span", postgresql.INT4RANGE(), nullable=False),
        sa.CheckConstraint("relation IN ('above', 'below', 'near')", name=op.f("ck_parsed_levels_relation")),
        sa.CheckConstraint("role IN ('trigger', 'target', 'stop', 'bias', 'flip')", name=op.f("ck_parsed_levels_role")),
        sa.CheckConstraint("price_low <= price_high", name=op.f("ck_parsed_levels_zone")),
        sa.ForeignKeyConstraint(["plan_id"], ["ticker_plans.id"], name=op.f("fk_parsed_levels_plan_id")),
        sa.ForeignKeyConstraint(["setup_id"], ["trade_setups.id"], name=op.f("fk_parsed_levels_setup_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parsed_levels")),
    )
    op.create_index("ix_parsed_levels_plan_id", "parsed_levels", ["plan_id"], unique=False)
    op.create_index("ix_parsed_levels_setup_id", "parsed_levels", ["setup_id"], unique=False)
    op.create_table(
        "setup_revisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("setup_id", sa.BigInteger(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["setup_id"], ["trade_setups.id"], name=op.f("fk_setup_revisions_setup_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_setup_revisions")),
    )
    op.create_index("ix_setup_revisions_setup_id", "setup_revisions", ["setup_id"], unique=False)
    op.execute("""
        CREATE VIEW current_setups AS
        SELECT
            plan.trading_day,
            plan.ticker,
            setup.kind,
            setup.strategy,
            setup.direction,
            entry.price_low AS trigger_low,
            entry.price_high AS trigger_high,
            ARRAY(
                SELECT CASE setup.direction WHEN 'short' THEN target.price_high ELSE target.price_low END
                FROM parsed_levels AS target
                WHERE target.setup_id = setup.id AND target.role = 'target'
                ORDER BY target.sequence
            ) AS targets,
            (
                SELECT CASE setup.direction WHEN 'short' THEN stop.price_low ELSE stop.price_high END
                FROM parsed_levels AS stop
                WHERE stop.setup_id = setup.id AND stop.role = 'stop'
                ORDER BY stop.sequence
                LIMIT 1
            ) AS stop,
            plan.bias_text,
            plan.bias_direction,
            plan.flags || setup.flags AS flags,
            setup.confidence,
            setup.instrument,
            setup.quantity,
            message.channel_id,
            message.message_id,
            setup.id AS setup_id,
            plan.id AS plan_id,
            message.posted_at,
            'https://discord.com/channels/' || coalesce(message.guild_id::text, '@me')
                || '/' || message.channel_id || '/' || message.message_id AS message_link
        FROM trade_setups AS setup
        JOIN ticker_plans AS plan ON plan.id = setup.plan_id
        JOIN discord_messages AS message ON message.message_id = plan.message_id
        JOIN parsed_levels AS entry ON entry.setup_id = setup.id AND entry.role = 'trigger'
        WHERE setup.state = 'current'
    """)


def downgrade() -> None:
    op.execute("DROP VIEW current_setups")
    op.drop_table("setup_revisions")
    op.drop_table("parsed_levels")
    op.drop_table("trade_setups")
    op.drop_table("ticker_plans")
    op.drop_table("message_revisions")
    op.drop_table("discord_messages")
    op.drop_table("discord_channels")
