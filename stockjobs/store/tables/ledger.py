"""The tables of the ledger: jobs, occurrences, tasks, attempts, events, and the workers."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from stockjobs.store.tables.base import metadata, one_of, partial
from stockjobs.store.types import BigKey, CurrentTransaction, Document, Instant, TransactionId

jobs = Table(
    "jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("version", Integer, nullable=False, comment="the version that the next occurrence will run"),
    Column("enabled", Boolean, nullable=False),
    Column(
        "paused", Boolean, nullable=False, server_default=text("false"), comment="nothing of it starts until resumed"
    ),
    Column("max_parallel", Integer, comment="how many of its tasks run at once; null for as many as there is room for"),
    Column(
        "next_due_at", Instant, comment="the earliest due time not yet turned into an occurrence; null if there is none"
    ),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("deleted_at", Instant, comment="a deleted job keeps its history"),
    partial(
        "ix_jobs_due",
        "next_due_at",
        where="enabled AND NOT paused AND deleted_at IS NULL AND next_due_at IS NOT NULL",
    ),
)

job_versions = Table(
    "job_versions",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("spec", Document, nullable=False),
    Column("labels", Document, nullable=False),
    Column("digest", Text, nullable=False, comment="SHA-256 of the definition"),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    PrimaryKeyConstraint("job_id", "version"),
)

job_dependencies = Table(
    "job_dependencies",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id"), nullable=False),
    Column("on_job_id", Uuid, ForeignKey("jobs.id"), nullable=False, comment="the job that must succeed first"),
    PrimaryKeyConstraint("job_id", "on_job_id"),
    CheckConstraint("job_id <> on_job_id", name="not_itself"),
    Index("ix_job_dependencies_on_job_id", "on_job_id"),
)

templates = Table(
    "templates",
    metadata,
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", Document, nullable=False),
    Column("digest", Text, nullable=False, comment="SHA-256 of the document"),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("deleted_at", Instant, comment="a deleted template keeps its versions"),
    PrimaryKeyConstraint("name", "version"),
)

pauses = Table(
    "pauses",
    metadata,
    Column("scope", Text, primary_key=True, comment="what starts no work: everything, or a lane"),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    one_of("scope", "everything", "realtime", "historical"),
)

occurrences = Table(
    "occurrences",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("job_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("key", Text, nullable=False, comment="at/<due time> or request/<request key>"),
    Column("scheduled_for", Instant, nullable=False, comment="the due time, or when it was asked for"),
    Column("requested_window", Document, comment="a window asked for in place of the job's own"),
    Column("start_after", Instant, comment="nothing of it starts before; null if it may at once"),
    Column("state", Text, nullable=False, comment="scheduled: it waits for its time, or for others to succeed"),
    Column("reason", Text, comment="why it was skipped or cancelled, or what it failed of"),
    Column("submitter", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("symbols", Integer, comment="once it has ended: the symbols of its completed tasks"),
    Column("rows_written", BigInteger, comment="once it has ended: the rows that were new or differed"),
    Column(
        "removal_began_at",
        Instant,
        comment="when its tasks began to be removed; what is left of it goes soon, and cannot be tried again",
    ),
    UniqueConstraint("job_id", "key"),
    ForeignKeyConstraint(["job_id", "version"], ["job_versions.job_id", "job_versions.version"]),
    one_of("state", "scheduled", "queued", "running", "completed", "failed", "cancelled", "timeout", "skipped"),
    Index("ix_occurrences_job_id_created_at", "job_id", "created_at"),
    Index("ix_occurrences_created_at", "created_at"),
    partial("ix_occurrences_open", "job_id", where="state IN ('scheduled', 'queued', 'running')"),
    partial("ix_occurrences_waiting", "start_after", where="state = 'scheduled'"),
    partial("ix_occurrences_ended", "state", "finished_at", where="finished_at IS NOT NULL"),
)

occurrence_dependencies = Table(
    "occurrence_dependencies",
    metadata,
    Column("occurrence_id", Uuid, ForeignKey("occurrences.id"), nullable=False),
    Column("number", SmallInteger, nullable=False, comment="its place among those that the occurrence waits for"),
    Column("on_job_id", Uuid, ForeignKey("jobs.id"), nullable=False),
    Column("on_occurrence_id", Uuid, comment="what is waited for; it may not be there yet, and be removed later"),
    Column("on_failure", Text, nullable=False, comment="what becomes of the waiting one if that did not succeed"),
    Column("state", Text, nullable=False),
    PrimaryKeyConstraint("occurrence_id", "number"),
    one_of("on_failure", "skip", "fail", "run"),
    one_of("state", "waiting", "met", "unmet"),
    partial("ix_occurrence_dependencies_on", "on_occurrence_id", where="state = 'waiting'"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("occurrence_id", Uuid, ForeignKey("occurrences.id"), nullable=False),
    Column("job_id", Uuid, nullable=False, comment="the job of its occurrence"),
    Column("provider", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("interval_s", Integer, comment="nominal seconds of the bars asked for; null for fundamentals"),
    Column("symbols", Document, nullable=False),
    Column("remaining", Document, comment="the symbols still to do, where an attempt landed some"),
    Column("given_up", Document, comment="symbol → error, for those that no other attempt asks for"),
    Column("window_start", Instant),
    Column("window_end", Instant),
    Column("about", Instant, nullable=False, comment="the instant that the task is about; its UTC day gives the lane"),
    Column("priority", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("run_at", Instant, nullable=False, comment="not offered before"),
    Column(
        "capped",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="its job runs only so many at once: it is held until there is room",
    ),
    Column(
        "held",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="kept out of its lane: its job is paused or at its cap",
    ),
    Column("number", Integer, nullable=False, comment="the number of the present or next attempt"),
    Column("failures", Integer, nullable=False, comment="attempts that failed at the provider"),
    Column(
        "deferrals",
        Integer,
        nullable=False,
        comment="attempts that waited for a limit or a server; they count for nothing",
    ),
    Column("crashes", Integer, nullable=False, comment="attempts whose worker died"),
    Column("offered_at", Instant, comment="when a message about it was sent; null while it waits in SQL alone"),
    Column("offered_lane", Text, comment="the queue that the message went to"),
    Column("lease_until", Instant, comment="the present attempt's worker owns the task until then"),
    Column("worker", Text),
    Column("error_kind", Text),
    Column("error", Text),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    UniqueConstraint("occurrence_id", "key"),
    one_of("state", "scheduled", "queued", "running", "completed", "failed", "cancelled", "timeout"),
    CheckConstraint("state <> 'running' OR (lease_until IS NOT NULL AND worker IS NOT NULL)", name="running_is_owned"),
    CheckConstraint("offered_at IS NULL OR (state = 'queued' AND NOT held)", name="offered_is_queued"),
    CheckConstraint("(offered_at IS NULL) = (offered_lane IS NULL)", name="offered_has_lane"),
    CheckConstraint("priority IN (1, 5, 10, 15)", name="priority"),
    CheckConstraint("interval_s > 0", name="interval"),
    Index("ix_tasks_created_at_key", "created_at", "key"),
    # The lanes' pending work. One index serves both: for one priority, read forwards it is oldest first (historical), read
    # backwards newest first (realtime); midnight UTC is the bound between them. Each provider is walked on its own, so that one
    # that may run no more tasks just now keeps nobody from those of another.
    partial(
        "ix_tasks_pending",
        "provider",
        "priority",
        "about",
        "created_at",
        where="state = 'queued' AND offered_at IS NULL AND NOT held",
    ),
    partial("ix_tasks_held", "job_id", "priority", "about", "created_at", where="state = 'queued' AND held"),
    partial("ix_tasks_capped", "job_id", where="capped AND NOT held AND state IN ('queued', 'running')"),
    partial("ix_tasks_offered", "offered_lane", "offered_at", where="state = 'queued' AND offered_at IS NOT NULL"),
    partial("ix_tasks_waiting", "run_at", where="state = 'scheduled'"),
    partial("ix_tasks_leased", "lease_until", where="state = 'running'"),
    partial("ix_tasks_open", "occurrence_id", where="state IN ('scheduled', 'queued', 'running')"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Uuid, primary_key=True, comment="the Celery task id"),
    Column("task_id", Uuid, ForeignKey("tasks.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("worker", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("requests", Integer, comment="requests made to the provider"),
    Column("rows_received", Integer),
    Column("rows_written", Integer, comment="rows that were new or differed"),
    Column("rows_rejected", Integer),
    Column("failed_symbols", Document, comment="symbol → error, where only some failed"),
    Column("error_kind", Text),
    Column("error", Text),
    UniqueConstraint("task_id", "number"),
    one_of("state", "running", "completed", "failed", "cancelled", "timeout", "retried", "deferred", "lost"),
    one_of("lane", "realtime", "historical"),
)

events = Table(
    "events",
    metadata,
    Column("id", BigKey, Identity(), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("name", Text, nullable=False),
    Column("job_id", Uuid),
    Column("occurrence_id", Uuid),
    Column("task_id", Uuid),
    Column("attempt_id", Uuid),
    Column("data", Document, nullable=False),
    Column("xid", TransactionId, server_default=CurrentTransaction(), comment="PostgreSQL: the writing transaction"),
    Index("ix_events_xid_id", "xid", "id"),
    Index("ix_events_occurrence_id_id", "occurrence_id", "id"),
)

events_removed = Table(
    "events_removed",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False, comment="always 1: there is one row"),
    Column(
        "up_to",
        BigInteger,
        nullable=False,
        comment="events with this and lower numbers were removed with their occurrences",
    ),
    Column("at", Instant, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

workers = Table(
    "workers",
    metadata,
    Column("name", Text, nullable=False, comment="the Celery node name"),
    Column("lanes", Document, nullable=False),
    Column("pool", Text, nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("running", Integer, nullable=False, server_default=text("0"), comment="the tasks that it runs just now"),
    Column("memory", BigInteger, comment="bytes resident, with its children; null where that is not known"),
    Column("cpu", Float, comment="processors in use, with its children; null where that is not known"),
    Column("version", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    # Two workers of one host that were given no name have the same.
    PrimaryKeyConstraint("name", "pid"),
)
