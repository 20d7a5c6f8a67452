"""ingest lease

One process ingests: its epoch, the function that refuses a writer of an epoch that is over, and the account of gaps and
of what was compared with Discord.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("discord_channels", sa.Column("threads_checked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("discord_channels", sa.Column("unreachable_since", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "ingestion_gaps",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "reason IN ('start', 'reconnected', 'resumed', 'queue_full', 'configured', 'access_changed', 'discovered', "
            "'self_check')",
            name=op.f("ck_ingestion_gaps_reason"),
        ),
        sa.CheckConstraint("outcome IN ('fetched', 'unreachable')", name=op.f("ck_ingestion_gaps_outcome")),
        sa.CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name=op.f("ck_ingestion_gaps_closed")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["discord_channels.channel_id"], name=op.f("fk_ingestion_gaps_channel_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingestion_gaps")),
    )
    op.create_index(
        "ix_ingestion_gaps_open",
        "ingestion_gaps",
        ["channel_id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "channel_verifications",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["discord_channels.channel_id"], name=op.f("fk_channel_verifications_channel_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_verifications")),
    )
    op.create_index("ix_channel_verifications_channel_id_first_id", "channel_verifications", ["channel_id", "first_id"])
    op.create_table(
        "ingest_lease",
        sa.Column("only_row", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("only_row", name=op.f("ck_ingest_lease_only_row")),
        sa.PrimaryKeyConstraint("only_row", name=op.f("pk_ingest_lease")),
    )
    op.execute("INSERT INTO ingest_lease (epoch) VALUES (0)")
    op.execute("""
        CREATE FUNCTION hold_ingest_epoch(expected bigint) RETURNS void LANGUAGE plpgsql AS $function$
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(7237415642338452328);
            IF (SELECT epoch FROM ingest_lease) <> expected THEN
                RAISE EXCEPTION 'ingest epoch % is over', expected USING ERRCODE = 'LE001';
            END IF;
        END
        $function$
    """)


def downgrade() -> None:
    op.execute("DROP FUNCTION hold_ingest_epoch(bigint)")
    op.drop_table("ingest_lease")
    op.drop_table("channel_verifications")
    op.drop_table("ingestion_gaps")
    op.drop_column("discord_channels", "unreachable_since")
    op.drop_column("discord_channels", "threads_checked_at")
