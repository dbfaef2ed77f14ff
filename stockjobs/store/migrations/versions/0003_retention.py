"""What retention has removed of the log of events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from stockjobs.store.types import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "events_removed",
        sa.Column("id", sa.SmallInteger(), nullable=False, autoincrement=False, comment="always 1: there is one row"),
        sa.Column(
            "up_to",
            sa.BigInteger(),
            nullable=False,
            comment="events with this and lower numbers were removed with their occurrences",
        ),
        sa.Column("at", Instant(), nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_events_removed"),
    )


def downgrade() -> None:
    op.drop_table("events_removed")
