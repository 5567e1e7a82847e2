"""Adds the index of the retry job's query and the columns of its claim. The report's job uses only the index."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the index."""
    op.add_column("conversation_events", sa.Column("claimed_by", sa.String(32)))
    op.add_column("conversation_events", sa.Column("claimed_until", sa.DateTime(timezone=True)))
    op.create_index("conversation_events_due", "conversation_events", ["status", "next_attempt_at"])


def downgrade() -> None:
    """Remove the columns and the index."""
    op.drop_index("conversation_events_due", "conversation_events")
    op.drop_column("conversation_events", "claimed_until")
    op.drop_column("conversation_events", "claimed_by")
