"""legacy import

What an import of a former application's tables keeps: how far it is, which old row became what, and what it could not
take.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "import_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tables", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('running', 'finished', 'abandoned')", name=op.f("ck_import_runs_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_runs")),
    )
    op.create_index(
        "uq_import_runs_one_running",
        "import_runs",
        ["source"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "legacy_map",
        sa.Column("old_table", sa.Text(), nullable=False),
        sa.Column("old_key", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("new_table", sa.Text(), nullable=False),
        sa.Column("new_id", sa.BigInteger(), nullable=False),
        sa.Column("row", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("outcome IN ('inserted', 'already_there', 'merged')", name=op.f("ck_legacy_map_outcome")),
        sa.PrimaryKeyConstraint("old_table", "old_key", name=op.f("pk_legacy_map")),
    )
    op.create_table(
        "import_quarantine",
        sa.Column("old_table", sa.Text(), nullable=False),
        sa.Column("old_key", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("row", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "reason IN ('no_text', 'sample', 'bad_id', 'bad_time', 'bad_json', 'no_event_type', 'too_long', "
            "'changed', 'refused')",
            name=op.f("ck_import_quarantine_reason"),
        ),
        sa.PrimaryKeyConstraint("old_table", "old_key", name=op.f("pk_import_quarantine")),
    )


def downgrade() -> None:
    op.drop_table("import_quarantine")
    op.drop_table("legacy_map")
    op.drop_table("import_runs")
