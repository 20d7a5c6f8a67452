"""set aside

What another application left under our names is renamed, never dropped. Then the tables that migrating itself needs.
"""

import sqlalchemy as sa
from alembic import op

from worker.db.migration.set_aside import SET_NAMES_ASIDE

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(SET_NAMES_ASIDE)
    op.create_table(
        "schema_floor",
        sa.Column("only_row", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("floor", sa.Integer(), nullable=False),
        sa.CheckConstraint("only_row", name=op.f("ck_schema_floor_only_row")),
        sa.PrimaryKeyConstraint("only_row", name=op.f("pk_schema_floor")),
    )
    op.execute("INSERT INTO schema_floor (floor) VALUES (1)")
    op.create_table(
        "migration_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("duration_milliseconds", sa.Integer(), nullable=True),
        sa.Column("lock_wait_milliseconds", sa.Integer(), nullable=True),
        sa.Column("applied_by", sa.Text(), nullable=False),
        sa.Column(
            "applied_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("is_told", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("direction IN ('upgrade', 'downgrade', 'stamp')", name=op.f("ck_migration_runs_direction")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migration_runs")),
    )


def downgrade() -> None:
    op.drop_table("migration_runs")
    op.drop_table("schema_floor")
    # alembic/env.py gives the names back and drops set_aside: alembic_version is among them, and Alembic has yet to
    # write into the one that stands there.
