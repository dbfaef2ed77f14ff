"""How Alembic runs our migrations: always on a connection that `stockjobs.store.schema` opened."""

from __future__ import annotations

from alembic import context

from stockjobs.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
