"""Creates the report's tables with its CHECK, which lacks PERMANENTLY_FAILED (hole 9).

``conversation_event_messages`` is not the report's; it stands in for the original's conversation store.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ADMITTED = "status IN ('PENDING', 'PROCESSING', 'PROCESSED', 'FAILED', 'SKIPPED')"


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "conversation_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("conversation_id", sa.String(255), nullable=False),
        sa.Column("status", sa.String(50), nullable=False, server_default="PENDING"),
        sa.Column("error_code", sa.String(100)),
        sa.Column("error_details", sa.Text),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True)),
        sa.Column("retry_count", sa.Integer, nullable=False, server_default="0"),
        sa.Column("friendship_score", sa.Float),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.UniqueConstraint("conversation_id", name="conversation_events_conversation_id"),
        sa.CheckConstraint(_ADMITTED, name="conversation_events_status"),
    )
    op.create_table(
        "conversation_event_messages",
        sa.Column("conversation_id", sa.String(255), primary_key=True),
        sa.Column("body_zlib", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation_events.conversation_id"],
            name="conversation_event_messages_conversation_id",
        ),
    )


def downgrade() -> None:
    """Drop both tables and their rows."""
    op.drop_table("conversation_event_messages")
    op.drop_table("conversation_events")
