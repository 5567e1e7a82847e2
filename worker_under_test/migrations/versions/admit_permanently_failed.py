"""Closes hole 9: admits PERMANENTLY_FAILED to the CHECK, which otherwise refuses the end of a retry.

The presets ``incident`` and ``postmortem`` stop before this revision.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NAME = "conversation_events_status"
_REPORTED = "status IN ('PENDING', 'PROCESSING', 'PROCESSED', 'FAILED', 'SKIPPED')"
_HARDENED = "status IN ('PENDING', 'PROCESSING', 'PROCESSED', 'FAILED', 'SKIPPED', 'PERMANENTLY_FAILED')"


def upgrade() -> None:
    """Replace the CHECK."""
    _replace_check(_HARDENED)


def downgrade() -> None:
    """Restore the report's CHECK. This fails, and changes nothing, when an event is PERMANENTLY_FAILED."""
    _replace_check(_REPORTED)


def _replace_check(admitted: str) -> None:
    # SQLite can't alter a table's constraint: there a batch copies the table.
    with op.batch_alter_table("conversation_events") as batch:
        batch.drop_constraint(_NAME, type_="check")
        batch.create_check_constraint(_NAME, admitted)
