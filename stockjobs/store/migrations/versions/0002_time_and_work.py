"""Pauses, caps, dependencies, templates, and what the statistics read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from stockjobs.store.types import Document, Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_LIVE = "enabled AND deleted_at IS NULL AND next_due_at IS NOT NULL"
_ENDED = "'completed', 'failed', 'cancelled', 'timeout', 'skipped'"
_OFFERED = "offered_at IS NULL OR state = 'queued'"
_OFFERED_AND_NOT_HELD = "offered_at IS NULL OR (state = 'queued' AND NOT held)"
_STATES = f"state IN ('queued', 'running', {_ENDED})"
_MORE_STATES = f"state IN ('scheduled', 'queued', 'running', {_ENDED})"
_PENDING = "state = 'queued' AND offered_at IS NULL"


def upgrade() -> None:
    _add_tables()
    _add_columns()
    _fill()
    if _is_sqlite():
        _rewrite("tasks", {"job_id CHAR(32)": "job_id CHAR(32) NOT NULL", "provider TEXT": "provider TEXT NOT NULL"})
        _rewrite("tasks", {_OFFERED: _OFFERED_AND_NOT_HELD})
        _rewrite("occurrences", {_STATES: _MORE_STATES})
    else:
        op.alter_column("tasks", "job_id", nullable=False)
        op.alter_column("tasks", "provider", nullable=False)
        _check("tasks", "offered_is_queued", _OFFERED_AND_NOT_HELD, old="ck_tasks_offered_is_queued")
        _check("occurrences", "state", _MORE_STATES, old="ck_occurrences_state")
    _index("ix_jobs_due", "jobs", ["next_due_at"], _LIVE.replace("enabled", "enabled AND NOT paused"))
    _index("ix_occurrences_open", "occurrences", ["job_id"], "state IN ('scheduled', 'queued', 'running')")
    _index("ix_occurrences_waiting", "occurrences", ["start_after"], "state = 'scheduled'")
    _index("ix_occurrences_ended", "occurrences", ["state", "finished_at"], "finished_at IS NOT NULL")
    place = ["priority", "about", "created_at"]
    _index("ix_tasks_pending", "tasks", ["provider", *place], f"{_PENDING} AND NOT held")
    _index("ix_tasks_held", "tasks", ["job_id", *place], "state = 'queued' AND held")
    _index("ix_tasks_capped", "tasks", ["job_id"], "capped AND NOT held AND state IN ('queued', 'running')")


def _add_tables() -> None:
    op.create_table(
        "job_dependencies",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("on_job_id", sa.Uuid(), nullable=False, comment="the job that must succeed first"),
        sa.CheckConstraint("job_id <> on_job_id", name="not_itself"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_job_dependencies_job_id"),
        sa.ForeignKeyConstraint(["on_job_id"], ["jobs.id"], name="fk_job_dependencies_on_job_id"),
        sa.PrimaryKeyConstraint("job_id", "on_job_id", name="pk_job_dependencies"),
    )
    op.create_index("ix_job_dependencies_on_job_id", "job_dependencies", ["on_job_id"])
    op.create_table(
        "templates",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", Document, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False, comment="SHA-256 of the document"),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("deleted_at", Instant(), nullable=True, comment="a deleted template keeps its versions"),
        sa.PrimaryKeyConstraint("name", "version", name="pk_templates"),
    )
    op.create_table(
        "pauses",
        sa.Column("scope", sa.Text(), nullable=False, comment="what starts no work: everything, or a lane"),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("scope IN ('everything', 'realtime', 'historical')", name="scope"),
        sa.PrimaryKeyConstraint("scope", name="pk_pauses"),
    )
    op.create_table(
        "occurrence_dependencies",
        sa.Column("occurrence_id", sa.Uuid(), nullable=False),
        sa.Column(
            "number", sa.SmallInteger(), nullable=False, comment="its place among those that the occurrence waits for"
        ),
        sa.Column("on_job_id", sa.Uuid(), nullable=False),
        sa.Column(
            "on_occurrence_id",
            sa.Uuid(),
            nullable=True,
            comment="what is waited for; it may not be there yet, and be removed later",
        ),
        sa.Column(
            "on_failure", sa.Text(), nullable=False, comment="what becomes of the waiting one if that did not succeed"
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint("on_failure IN ('skip', 'fail', 'run')", name="on_failure"),
        sa.CheckConstraint("state IN ('waiting', 'met', 'unmet')", name="state"),
        sa.ForeignKeyConstraint(["occurrence_id"], ["occurrences.id"], name="fk_occurrence_dependencies_occurrence_id"),
        sa.ForeignKeyConstraint(["on_job_id"], ["jobs.id"], name="fk_occurrence_dependencies_on_job_id"),
        sa.PrimaryKeyConstraint("occurrence_id", "number", name="pk_occurrence_dependencies"),
    )
    where = sa.text("state = 'waiting'")
    op.create_index(
        "ix_occurrence_dependencies_on",
        "occurrence_dependencies",
        ["on_occurrence_id"],
        postgresql_where=where,
        sqlite_where=where,
    )


def _columns() -> dict[str, list[sa.Column[object]]]:
    no = sa.text("false")
    return {
        "jobs": [
            sa.Column(
                "paused", sa.Boolean(), nullable=False, server_default=no, comment="nothing of it starts until resumed"
            ),
            sa.Column(
                "max_parallel",
                sa.Integer(),
                nullable=True,
                comment="how many of its tasks run at once; null for as many as there is room for",
            ),
        ],
        "occurrences": [
            sa.Column(
                "start_after",
                Instant(),
                nullable=True,
                comment="nothing of it starts before; null if it may at once",
            ),
            sa.Column(
                "symbols", sa.Integer(), nullable=True, comment="once it has ended: the symbols of its completed tasks"
            ),
            sa.Column(
                "rows_written",
                sa.BigInteger(),
                nullable=True,
                comment="once it has ended: the rows that were new or differed",
            ),
        ],
        "tasks": [
            sa.Column("job_id", sa.Uuid(), nullable=True, comment="the job of its occurrence"),
            sa.Column("provider", sa.Text(), nullable=True),
            sa.Column(
                "capped",
                sa.Boolean(),
                nullable=False,
                server_default=no,
                comment="its job runs only so many at once: it is held until there is room",
            ),
            sa.Column(
                "held",
                sa.Boolean(),
                nullable=False,
                server_default=no,
                comment="kept out of its lane: its job is paused or at its cap",
            ),
        ],
        "workers": [
            sa.Column(
                "running",
                sa.Integer(),
                nullable=False,
                server_default=sa.text("0"),
                comment="the tasks that it runs just now",
            ),
            sa.Column(
                "memory",
                sa.BigInteger(),
                nullable=True,
                comment="bytes resident, with its children; null where that is not known",
            ),
        ],
    }


def _add_columns() -> None:
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
    if not _is_sqlite():
        op.alter_column("occurrences", "state", comment="scheduled: it waits for its time, or for others to succeed")
        op.alter_column("occurrences", "reason", comment="why it was skipped or cancelled, or what it failed of")


def _fill() -> None:
    provider = "spec ->> 'provider'" if not _is_sqlite() else "json_extract(spec, '$.provider')"
    op.execute(f"""
        UPDATE tasks SET job_id = (SELECT job_id FROM occurrences WHERE occurrences.id = tasks.occurrence_id),
            provider = (SELECT {provider} FROM occurrences JOIN job_versions
                        ON job_versions.job_id = occurrences.job_id AND job_versions.version = occurrences.version
                        WHERE occurrences.id = tasks.occurrence_id)
    """)
    symbols = "json_each(tasks.symbols) AS symbol"
    if not _is_sqlite():
        symbols = "jsonb_array_elements_text(tasks.symbols) AS symbol(value)"
    op.execute(f"""
        UPDATE occurrences SET
            rows_written = (SELECT coalesce(sum(attempts.rows_written), 0) FROM attempts
                            JOIN tasks ON tasks.id = attempts.task_id WHERE tasks.occurrence_id = occurrences.id),
            symbols = (SELECT count(DISTINCT symbol.value) FROM tasks, {symbols}
                       WHERE tasks.occurrence_id = occurrences.id AND tasks.state = 'completed')
        WHERE finished_at IS NOT NULL
    """)
    _fill_from_definitions()


def _fill_from_definitions() -> None:
    """What the current definitions say, where this revision was reached before, left, and is reached again."""
    of_current = "job_versions WHERE job_versions.job_id = jobs.id AND job_versions.version = jobs.version"
    cap = "CAST(spec ->> 'maxParallel' AS integer)" if not _is_sqlite() else "json_extract(spec, '$.maxParallel')"
    op.execute(f"UPDATE jobs SET max_parallel = (SELECT {cap} FROM {of_current})")
    others, name = "json_each(spec, '$.dependsOn') AS other", "json_extract(other.value, '$.job')"
    if not _is_sqlite():
        others, name = "jsonb_path_query(spec, '$.dependsOn[*]') AS other(value)", "other.value ->> 'job'"
    op.execute(f"""
        INSERT INTO job_dependencies (job_id, on_job_id)
        SELECT DISTINCT jobs.id, on_job.id FROM jobs
        JOIN job_versions ON job_versions.job_id = jobs.id AND job_versions.version = jobs.version
        CROSS JOIN {others}
        JOIN jobs AS on_job ON on_job.name = {name} AND on_job.id <> jobs.id
        WHERE jobs.deleted_at IS NULL
    """)


def downgrade() -> None:
    for name, table in (
        ("ix_tasks_capped", "tasks"),
        ("ix_tasks_held", "tasks"),
        ("ix_occurrences_ended", "occurrences"),
        ("ix_occurrences_waiting", "occurrences"),
    ):
        op.drop_index(name, table)
    _end_waiting()
    _index("ix_tasks_pending", "tasks", ["priority", "about", "created_at"], _PENDING)
    _index("ix_occurrences_open", "occurrences", ["job_id"], "state IN ('queued', 'running')")
    _index("ix_jobs_due", "jobs", ["next_due_at"], _LIVE)
    if _is_sqlite():
        _rewrite("tasks", {_OFFERED_AND_NOT_HELD: _OFFERED})
        _rewrite("occurrences", {_MORE_STATES: _STATES})
    else:
        _check("tasks", "ck_tasks_offered_is_queued", _OFFERED, old="offered_is_queued")
        _check("occurrences", "ck_occurrences_state", _STATES, old="state")
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)
    for table in ("occurrence_dependencies", "pauses", "templates", "job_dependencies"):
        op.drop_table(table)


def _end_waiting() -> None:
    """The revision before knows no waiting for others: what has no tasks yet would stay open for ever."""
    reason = "it waited for others when the schema that knows of this was left"
    statement = sa.text("""
        UPDATE occurrences SET state = 'cancelled', finished_at = :now, reason = :reason
        WHERE state = 'scheduled' AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.occurrence_id = occurrences.id)
    """)
    now = sa.bindparam("now", datetime.now(UTC), Instant())
    op.execute(statement.bindparams(now, sa.bindparam("reason", reason)))
    op.execute("UPDATE occurrences SET state = 'queued' WHERE state = 'scheduled'")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    """Make a partial index, in place of one of that name."""
    op.drop_index(name, table, if_exists=True)
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def _check(table: str, name: str, condition: str, *, old: str) -> None:
    # The convention for names puts ck_ and the table before what is given; the first revision gave them too.
    op.drop_constraint(old, table, type_="check")
    op.create_check_constraint(name, table, condition)


def _rewrite(table: str, changes: Mapping[str, str]) -> None:
    """Change a constraint of a SQLite table in place, as "ALTER TABLE", section 7, of its documentation says.

    Making the table anew, the other way, would break the foreign keys that point to it.
    """
    connection = op.get_bind()
    query = sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name")
    statement = str(connection.execute(query, {"name": table}).scalar_one())
    for old, new in changes.items():
        if statement.count(old) != 1:
            raise RuntimeError(f"table {table} does not say {old!r} once")
        statement = statement.replace(old, new)
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    change = sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = :name")
    connection.execute(change, {"sql": statement, "name": table})
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
