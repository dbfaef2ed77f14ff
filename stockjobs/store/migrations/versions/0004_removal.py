"""What retention has begun to remove."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from stockjobs.store.types import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    comment = "when its tasks began to be removed; what is left of it goes soon, and cannot be tried again"
    op.add_column("occurrences", sa.Column("removal_began_at", Instant(), nullable=True, comment=comment))


def downgrade() -> None:
    op.drop_column("occurrences", "removal_began_at")
