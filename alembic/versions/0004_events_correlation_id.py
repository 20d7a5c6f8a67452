"""events correlation id

One id follows a message, so its events are looked up by it. The pattern for every index on a table that is in use:
alone in its revision, and concurrently.
"""

from worker.db.migration.concurrently import create_index_concurrently, drop_index_concurrently

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index_concurrently("ix_events_correlation_id", "events", "(correlation_id)")


def downgrade() -> None:
    drop_index_concurrently("ix_events_correlation_id")
