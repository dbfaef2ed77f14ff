"""Who wrote each bar and what it was before; bars that were set aside; what is missing, and why."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from alembic import op

from stockjobs.store.types import BarTime, Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_INTERVALS = (
    "CASE interval_s "
    + " ".join(
        f"WHEN {seconds} THEN '{name}'"
        for seconds, name in (
            (60, "1m"),
            (120, "2m"),
            (300, "5m"),
            (900, "15m"),
            (1800, "30m"),
            (3600, "1h"),
            (5400, "90m"),
            (86400, "1d"),
            (604800, "1wk"),
            (2592000, "1mo"),
        )
    )
    + " END"
)
_AT = {"postgresql": "bars.at", "sqlite": "datetime(bars.at, 'unixepoch')"}
_SYMBOL_BARS = """
CREATE VIEW symbol_bars AS
SELECT symbols.symbol, {interval} AS interval, {at} AS at, open, high, low, close, volume, {more}provisional,
       instruments.currency, instruments.unit, instruments.exchange, symbols.provider
FROM bars
JOIN instruments ON instruments.id = bars.instrument_id
JOIN symbols ON symbols.instrument_id = bars.instrument_id AND symbols.valid_to IS NULL
"""
_EVIDENCE = {"postgresql": "(evidence ->> '{0}')::{1}", "sqlite": "json_extract(evidence, '$.{0}')"}


def _show_bars(more: str) -> None:
    dialect = op.get_bind().dialect.name
    op.execute(_SYMBOL_BARS.format(interval=_INTERVALS, at=_AT[dialect], more=more))


def upgrade() -> None:
    op.execute("DROP VIEW symbol_bars")
    _land()
    _find()
    _watch()
    _measure()
    _show_bars("split_factor, revision, ")


def _bar_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=False, comment="nominal seconds: 60 to 2,592,000 (a month)"),
        sa.Column("at", BarTime(), nullable=False, comment="the open of the bar, UTC"),
        sa.Column("open", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("close", sa.Double(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=True, comment="null where the source gave none"),
        *_new_bar_columns(),
        sa.Column(
            "provisional",
            sa.Boolean(),
            nullable=False,
            comment="the source may still change it",
        ),
    ]


def _new_bar_columns() -> list[sa.Column[object]]:
    return [
        sa.Column(
            "split_factor",
            sa.Double(),
            nullable=False,
            server_default=sa.text("1"),
            comment="shares of now per share of then, by the splits that are in the prices: close x split_factor was paid",
        ),
        sa.Column(
            "landing_id",
            sa.Integer(),
            nullable=False,
            server_default=sa.text("0"),
            comment="of `landings`: who wrote it, when; 0 for before there were any",
        ),
        sa.Column(
            "revision",
            sa.SmallInteger(),
            nullable=False,
            server_default=sa.text("0"),
            comment="how often the source changed it after it was settled",
        ),
    ]


def _land() -> None:
    op.create_table(
        "landings",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=True, comment="null where a person released or imported data"),
        sa.Column("by", sa.Text(), nullable=False, comment="the job, or the person"),
        sa.PrimaryKeyConstraint("id", name="pk_landings"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_landings_at", "landings", ["at"])
    with op.batch_alter_table("bars", table_kwargs={"sqlite_with_rowid": False}) as bars:
        bars.drop_constraint("fk_bars_instrument_id", type_="foreignkey")
        for column in _new_bar_columns():
            bars.add_column(column)
    op.create_table(
        "bar_versions",
        *_bar_columns(),
        sa.Column("replaced_by", sa.Integer(), nullable=False, comment="of `landings`: since when it is no longer so"),
        sa.PrimaryKeyConstraint("instrument_id", "interval_s", "at", "replaced_by", name="pk_bar_versions"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("corporate_actions") as actions:
        comment = "of `landings`: who wrote it"
        actions.add_column(
            sa.Column("landing_id", sa.Integer(), nullable=False, server_default=sa.text("0"), comment=comment)
        )
        comment = "of `landings`: since when it is no longer so; null for what is so now"
        actions.add_column(sa.Column("replaced_by", sa.Integer(), nullable=True, comment=comment))
        comment = "shares of now per share of then, by the splits that are in an amount: value x split_factor was paid"
        one = sa.text("1")
        actions.add_column(sa.Column("split_factor", sa.Double(), nullable=False, server_default=one, comment=comment))
        actions.drop_constraint("pk_corporate_actions", type_="primary")
        actions.create_primary_key("pk_corporate_actions", ["instrument_id", "kind", "at", "landing_id"])
    op.create_index(
        "uq_corporate_actions_current",
        "corporate_actions",
        ["instrument_id", "kind", "at"],
        unique=True,
        postgresql_where=sa.text("replaced_by IS NULL"),
        sqlite_where=sa.text("replaced_by IS NULL"),
    )
    _factor_splits_in()
    op.create_table(
        "fundamentals",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False, comment="when the source last answered"),
        sa.Column("changed_at", Instant(), nullable=True, comment="since when the answers have been alike"),
        sa.Column(
            "newest_as_of", sa.Date(), nullable=True, comment="the last day of the newest period that was reported"
        ),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name="fk_fundamentals_instrument_id"),
        sa.PrimaryKeyConstraint("instrument_id", name="pk_fundamentals"),
    )


_DAY_S, _WEEK_S, _MONTH_S = 86_400, 604_800, 2_592_000
_INTRADAY = (60, 120, 300, 900, 1_800, 3_600, 5_400)


def _factor_splits_in() -> None:
    """Give the bars and payments before the day of each stored split the product of the splits after them: they are in shares
    of now. The week and the month of a split's day are after it.
    """
    connection = op.get_bind()
    _keep_each_day_once(connection)
    bars, actions = _dated("bars", "interval_s"), _dated("corporate_actions", "kind", "value", "replaced_by")
    named = sa.table("instruments", sa.column("id", sa.Integer()), sa.column("zone", sa.Text()))
    query = (
        sa.select(*actions.c["instrument_id", "at", "value"], named.c.zone)
        .join(named, named.c.id == actions.c.instrument_id)
        .where(actions.c.kind == "split", actions.c.value > 0, actions.c.replaced_by.is_(None))
        .order_by(*actions.c["instrument_id", "at"])
    )
    for split in connection.execute(query).all():
        for seconds in (*_INTRADAY, _DAY_S, _WEEK_S, _MONTH_S):
            connection.execute(_multiplied(bars, split, seconds).where(bars.c.interval_s == seconds))
        connection.execute(_multiplied(actions, split, _DAY_S).where(actions.c.kind != "split"))


def _dated(name: str, *more: str) -> sa.TableClause:
    """A table of what happens to instruments, with so many columns more."""
    at: sa.ColumnClause[datetime] = sa.column("at", BarTime())
    return sa.table(name, at, *map(sa.column, ("instrument_id", "split_factor", *more)))


def _multiplied(table: sa.TableClause, split: Any, seconds: int) -> sa.Update:
    """The factors of what is from before the day, week or month of a split, by its ratio."""
    is_before = table.c.at < _first_bar(split.at, seconds, split.zone)
    of_it = table.c.instrument_id == split.instrument_id
    return sa.update(table).where(of_it, is_before).values(split_factor=table.c.split_factor * split.value)


def _first_bar(at: datetime, seconds: int, zone: str) -> datetime:
    """As `stockjobs.domain.market.days.first_bar` had it."""
    day = _day(at, zone)
    if seconds == _WEEK_S:
        day -= timedelta(days=day.weekday())
    elif seconds == _MONTH_S:
        day = day.replace(day=1)
    opened = datetime.combine(day, time(), _zone(zone)).astimezone(UTC)
    if seconds < _DAY_S:
        return opened
    return min(datetime.combine(day, time(), UTC), opened - timedelta(hours=1))


def _keep_each_day_once(connection: sa.Connection) -> None:
    """Of an event that intervals told of at different times of one day, on the exchange's clock, keep the first."""
    table = sa.table(
        "corporate_actions",
        sa.column("instrument_id", sa.Integer()),
        sa.column("kind", sa.Text()),
        sa.column("at", BarTime()),
        sa.column("value", sa.Double()),
    )
    named = sa.table("instruments", sa.column("id", sa.Integer()), sa.column("zone", sa.Text()))
    query = (
        sa.select(table, named.c.zone)
        .join(named, named.c.id == table.c.instrument_id)
        .order_by(*table.c["instrument_id", "at"])
    )
    known = set()
    for row in connection.execute(query).all():
        day = (row.instrument_id, row.kind, row.value, _day(row.at, row.zone))
        if day in known:
            which = (table.c.instrument_id == row.instrument_id, table.c.kind == row.kind, table.c.at == row.at)
            connection.execute(sa.delete(table).where(*which))
        known.add(day)


def _day(at: datetime, zone: str) -> date:
    """As `stockjobs.domain.market.actions.session_day` had it."""
    utc, local = at.astimezone(UTC), at.astimezone(_zone(zone))
    if utc.time() == time():
        return utc.date()
    # An hour before midnight is the midnight of clocks that were not changed for the season.
    return local.date() + timedelta(days=local.time() == time(23))


def _zone(name: str) -> tzinfo:
    """A zone by its name; sources have told of some that nobody knows, such as EDT."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _find() -> None:
    with op.batch_alter_table("findings") as findings:
        findings.add_column(sa.Column("rule", sa.Text(), nullable=True, comment="the rule that a bar breaks"))
        findings.add_column(sa.Column("job_id", sa.Uuid(), nullable=True))
        findings.add_column(sa.Column("state", sa.Text(), nullable=False, server_default=sa.text("'open'")))
        findings.add_column(sa.Column("decided_by", sa.Text(), nullable=True))
        findings.alter_column(
            "resolved_at",
            new_column_name="decided_at",
            existing_type=sa.DateTime(),
            comment="when it was released, rejected or mended",
        )
        findings.alter_column(
            "at",
            existing_type=sa.BigInteger(),
            comment="the bar that it is about, or the first of them",
            existing_nullable=True,
        )
        findings.create_check_constraint(
            "ck_findings_state", "state IN ('open', 'noted', 'released', 'rejected', 'mended')"
        )
    # All are open, unless the database has been up here before.
    currency = _EVIDENCE[op.get_bind().dialect.name].format("currency", "text")
    op.execute("UPDATE findings SET state = 'mended' WHERE decided_at IS NOT NULL")
    op.execute(
        "UPDATE findings SET state = 'noted' "
        "WHERE kind IN ('suspect-bar', 'suspect-action', 'restatement', 'revision') "
        f"OR (kind = 'identity' AND {currency} IS NULL)"
    )
    with op.batch_alter_table("findings") as findings:
        findings.alter_column("state", existing_type=sa.Text(), existing_nullable=False, server_default=None)
    op.create_index("ix_findings_instrument_id_interval_s_at", "findings", ["instrument_id", "interval_s", "at"])
    op.create_index("ix_findings_created_at", "findings", ["created_at"])
    op.create_index("ix_findings_symbol_created_at", "findings", ["symbol", "created_at"])
    op.create_index(
        "ix_findings_open",
        "findings",
        ["instrument_id", "interval_s", "at"],
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "quarantined_bars",
        sa.Column("finding_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=False),
        sa.Column("at", BarTime(), nullable=False),
        sa.Column("open", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("close", sa.Double(), nullable=True),
        sa.Column("volume", sa.BigInteger(), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column(
            "good_at",
            Instant(),
            nullable=True,
            comment="of an answer set aside whole: when a good bar has come in its place",
        ),
        sa.ForeignKeyConstraint(["finding_id"], ["findings.id"], name="fk_quarantined_bars_finding_id"),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name="fk_quarantined_bars_instrument_id"),
        sa.PrimaryKeyConstraint("finding_id", "at", name="pk_quarantined_bars"),
    )
    op.create_index(
        "ix_quarantined_bars_instrument_id_interval_s_at",
        "quarantined_bars",
        ["instrument_id", "interval_s", "at"],
    )
    form = _EVIDENCE[op.get_bind().dialect.name]
    prices = ", ".join(form.format(name, "float8") for name in ("open", "high", "low", "close"))
    # Until now the evidence alone held what was set aside; SQLite cannot be trusted with a float as a volume.
    volume = f"CAST({form.format('volume', 'float8')} AS BIGINT)"
    op.execute(
        "INSERT INTO quarantined_bars (finding_id, instrument_id, interval_s, at, open, high, low, close, volume, provisional) "
        f"SELECT id, instrument_id, interval_s, at, {prices}, {volume}, false FROM findings "
        "WHERE kind = 'rejected-bar' AND instrument_id IS NOT NULL AND interval_s IS NOT NULL AND at IS NOT NULL"
    )


def _watch() -> None:
    op.create_table(
        "calendars",
        sa.Column("exchange", sa.Text(), nullable=False, comment="MIC, 24/7 or 24/5"),
        sa.Column("first_day", sa.Date(), nullable=False, comment="from here on its sessions are in `sessions`"),
        sa.Column("last_day", sa.Date(), nullable=False, comment="up to here, included"),
        sa.Column("source", sa.Text(), nullable=False, comment="the calendar's library and its version"),
        sa.Column("computed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("exchange", name="pk_calendars"),
    )
    op.create_table(
        "gaps",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="the session"),
        sa.Column("missing", sa.Integer(), nullable=False, comment="so many bars of that session are not there"),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False, comment="when the source last gave nothing for it"),
        sa.Column("asked", sa.Integer(), nullable=False, comment="how often it did"),
        sa.Column("first_seen", Instant(), nullable=False),
        sa.CheckConstraint("cause IN ('source-null', 'source-absent', 'set-aside')", name="ck_gaps_cause"),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name="fk_gaps_instrument_id"),
        sa.PrimaryKeyConstraint("instrument_id", "interval_s", "day", name="pk_gaps"),
    )
    op.create_table(
        "symbol_health",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "unknown_days",
            sa.Integer(),
            nullable=False,
            comment="on so many days the provider did not know it, in a row",
        ),
        sa.Column("first_unknown_on", sa.Date(), nullable=True, comment="UTC"),
        sa.Column("last_unknown_on", sa.Date(), nullable=True, comment="UTC"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("successor", sa.Text(), nullable=True, comment="the symbol under which it trades now"),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'suspect', 'dead', 'renamed')", name="ck_symbol_health_state"),
        sa.PrimaryKeyConstraint("provider", "symbol", name="pk_symbol_health"),
    )
    op.create_table(
        "freshness",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("is_stale", sa.Boolean(), nullable=False),
        sa.Column(
            "newest_at", BarTime(), nullable=True, comment="the newest bar of the symbol that is furthest behind"
        ),
        sa.Column("checked_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False, comment="when it became stale, or fresh again"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_freshness_job_id"),
        sa.PrimaryKeyConstraint("job_id", name="pk_freshness"),
    )


def _measure() -> None:
    about = "processors in use, with its children; null where that is not known"
    op.add_column("workers", sa.Column("cpu", sa.Float(), nullable=True, comment=about))


def downgrade() -> None:
    op.execute("DROP VIEW symbol_bars")
    op.drop_column("workers", "cpu")
    for table in ("freshness", "symbol_health", "gaps", "calendars"):
        op.drop_table(table)
    _unfind()
    _unland()
    _show_bars("")


def _unfind() -> None:
    op.drop_index("ix_quarantined_bars_instrument_id_interval_s_at", "quarantined_bars")
    op.drop_table("quarantined_bars")
    for name in ("open", "symbol_created_at", "created_at", "instrument_id_interval_s_at"):
        op.drop_index(f"ix_findings_{name}", "findings")
    with op.batch_alter_table("findings") as findings:
        findings.drop_constraint("ck_findings_state", type_="check")
        for name in ("rule", "job_id", "state", "decided_by"):
            findings.drop_column(name)
        findings.alter_column("decided_at", new_column_name="resolved_at", existing_type=sa.DateTime(), comment=None)
        findings.alter_column(
            "at", existing_type=sa.BigInteger(), comment="the bar that it is about", existing_nullable=True
        )


def _unland() -> None:
    op.drop_table("fundamentals")
    op.drop_index("uq_corporate_actions_current", "corporate_actions")
    op.execute("DELETE FROM corporate_actions WHERE replaced_by IS NOT NULL")
    with op.batch_alter_table("corporate_actions") as actions:
        actions.drop_constraint("pk_corporate_actions", type_="primary")
        actions.drop_column("landing_id")
        actions.drop_column("replaced_by")
        actions.drop_column("split_factor")
        actions.create_primary_key("pk_corporate_actions", ["instrument_id", "kind", "at"])
    op.drop_table("bar_versions")
    with op.batch_alter_table("bars", table_kwargs={"sqlite_with_rowid": False}) as bars:
        for name in ("split_factor", "landing_id", "revision"):
            bars.drop_column(name)
        bars.create_foreign_key("fk_bars_instrument_id", "instruments", ["instrument_id"], ["id"])
    op.drop_index("ix_landings_at", "landings")
    op.drop_table("landings")
