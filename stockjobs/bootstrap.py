"""The one place where everything is put together. Entry modules ask it; tests give it settings of their own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from stockjobs import settings as settings_module
from stockjobs.domain.asking.budgets import NO_BUDGET, Budget
from stockjobs.domain.asking.pricing import Allowance, allowance_of
from stockjobs.domain.periods import parse_period
from stockjobs.domain.work.defaults import Defaults
from stockjobs.domain.work.retention import Retention
from stockjobs.errors import Unreachable
from stockjobs.markets.sessions import sessions
from stockjobs.providers import registry
from stockjobs.providers.base import Gate, Provider
from stockjobs.services.collecting.collect import Collect, CollectConfig, LastResort
from stockjobs.services.collecting.gates import Gates, Tell
from stockjobs.services.market.calendars import Calendars
from stockjobs.services.market.coverage import CoverageService
from stockjobs.services.market.freshness import FreshnessService
from stockjobs.services.market.layouts import Layouts
from stockjobs.services.market.perishing import PerishingService
from stockjobs.services.market.quarantine import Quarantine
from stockjobs.services.market.reopening import Reopening
from stockjobs.services.market.repair import Repair
from stockjobs.services.market.symbols import Symbols
from stockjobs.services.work.administration import Administration
from stockjobs.services.work.dispatch import Dispatch, DispatchConfig
from stockjobs.services.work.feed import Feed
from stockjobs.services.work.firing import Firing
from stockjobs.services.work.health import Health
from stockjobs.services.work.holding import Holding
from stockjobs.services.work.instances import Instances
from stockjobs.services.work.maintenance import Maintenance
from stockjobs.services.work.offering import Offering
from stockjobs.services.work.recovery import Recovery, RecoveryConfig
from stockjobs.services.work.reports import Reports
from stockjobs.services.work.requests import Requests
from stockjobs.services.work.statistics import StatisticsService
from stockjobs.services.work.steering import Steering
from stockjobs.services.work.templates import Templates
from stockjobs.services.work.throttling import throttles
from stockjobs.services.work.waiting import Waiting
from stockjobs.settings import Settings
from stockjobs.store import revisions
from stockjobs.store.database import Clock, Database, database_clock
from stockjobs.store.ledger.claims import Claim
from stockjobs.telemetry import logs
from stockjobs.transport.budget import ON_ITS_WAY, Budgets, Place
from stockjobs.transport.inspector import Inspector
from stockjobs.transport.publisher import Publisher

if TYPE_CHECKING:
    from stockjobs.services.market.reading import Reading
    from stockjobs.transport.control import Control


class Container:
    """Everything that a process may need, made when it is first asked for."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        clock: Clock = database_clock,
        last_resort: LastResort = nullcontext,
        on_new: Callable[[Database], None] = lambda _: None,
    ) -> None:
        self._on_new = on_new
        self.settings = settings or settings_module.load()[0]
        self._clock = clock
        self._last_resort = last_resort
        self._providers: dict[str, Provider] = {}
        self._gates: dict[str, Gates] = {}

    @cached_property
    def database(self) -> Database:
        """The database of the settings. It is not migrated yet: see `ready_database`."""
        return Database(self.settings.database_url, clock=self._clock)

    @cached_property
    def ready_database(self) -> Database:
        """The database at the schema of this program. An embedded SQLite is migrated here, a server by `stockctl db upgrade`."""
        if self.database.is_postgresql:
            revisions.check(self.database)
        elif not revisions.is_current(self.database):
            # Alembic takes longer to import than everything else here; only a migration should pay for it.
            is_new = revisions.is_empty(self.database)
            import_module("stockjobs.store.schema").upgrade(self.database)
            if is_new:
                self._on_new(self.database)
        return self.database

    @cached_property
    def publisher(self) -> Publisher:
        """Sends messages to the lanes."""
        return Publisher(self.settings.redis_url)

    @cached_property
    def inspector(self) -> Inspector:
        """Looks into the lanes."""
        return Inspector(self.settings.redis_url)

    @cached_property
    def budgets(self) -> Budgets:
        """Keeps the fleet's budgets."""
        return Budgets(self.settings.redis_url)

    @cached_property
    def control(self) -> Control:
        """Gives commands to running workers."""
        # Celery takes longer to import than everything else here; only who gives commands should pay for it.
        found: Control = import_module("stockjobs.transport.control").Control(self.settings.redis_url)
        return found

    @cached_property
    def administration(self) -> Administration:
        """Defines jobs."""
        given = self.settings
        defaults = Defaults(given.tickers, given.intervals, given.period)
        return Administration(self.ready_database, self.instances, self.firing, defaults)

    @cached_property
    def templates(self) -> Templates:
        """Keeps templates, and makes jobs from them."""
        return Templates(self.ready_database, self.administration)

    @cached_property
    def requests(self) -> Requests:
        """Takes requests for work."""
        return Requests(self.ready_database, self.instances, self.administration, self._allowance_of)

    @cached_property
    def holding(self) -> Holding:
        """Pauses lanes, or everything."""
        return Holding(self.ready_database)

    @cached_property
    def steering(self) -> Steering:
        """Changes the course of work that is under way."""
        return Steering(self.ready_database)

    @cached_property
    def instances(self) -> Instances:
        """Turns jobs into occurrences."""
        return Instances(registry.limits, timedelta(seconds=self.settings.max_timeout))

    @cached_property
    def dispatch(self) -> Dispatch:
        """Ticks."""
        resend_after = timedelta(seconds=self.settings.resend_after)
        return Dispatch(
            self.ready_database,
            self.firing,
            Waiting(self.ready_database, self.instances),
            Recovery(
                self.ready_database,
                self.inspector,
                RecoveryConfig(resend_after, lease=timedelta(seconds=self.settings.lease)),
            ),
            Offering(
                self.ready_database,
                self.publisher,
                self.settings.lane_window,
                provider_parallel=self.settings.provider_parallel,
                throttles_now=lambda: throttles(self.budgets.usages(), self._own_budgets),
            ),
            DispatchConfig(resend_after, idle=timedelta(seconds=self.settings.beat_interval)),
        )

    @cached_property
    def firing(self) -> Firing:
        """Turns due jobs into occurrences."""
        return Firing(self.instances, sessions)

    @cached_property
    def collect(self) -> Collect:
        """Runs attempts."""
        config = CollectConfig(
            lease=timedelta(seconds=self.settings.lease),
            heartbeat=timedelta(seconds=self.settings.heartbeat),
            max_timeout=timedelta(seconds=self.settings.max_timeout),
            parallel=self.settings.fetch_parallel,
        )
        return Collect(self.ready_database, self.provider, config, self._last_resort, self.gate_of)

    @cached_property
    def reports(self) -> Reports:
        """Reads what is stored."""
        return Reports(self.ready_database)

    @cached_property
    def layouts(self) -> Layouts:
        """Moves the bars."""
        return Layouts(self.ready_database)

    @cached_property
    def reading(self) -> Reading:
        """Reads bars as columns."""
        # Arrow is for those who read; nobody else should pay for it.
        found: Reading = import_module("stockjobs.services.market.reading").Reading(self.ready_database)
        return found

    @cached_property
    def health(self) -> Health:
        """Looks whether every part does its work, also at a database that is not migrated."""
        return Health(self.database, self.inspector, self.budgets.usages)

    @cached_property
    def reopening(self) -> Reopening:
        """Ends cool-downs and breaks by hand."""
        return Reopening(self.ready_database, self.budgets)

    @cached_property
    def statistics(self) -> StatisticsService:
        """Counts."""
        return StatisticsService(self.ready_database)

    @cached_property
    def maintenance(self) -> Maintenance:
        """Removes old history."""
        settings = self.settings
        succeeded, failed = (
            parse_period(text) if text else None for text in (settings.retention, settings.retention_failed)
        )
        return Maintenance(self.ready_database, Retention(succeeded, failed, settings.retention_count or None))

    @cached_property
    def coverage(self) -> CoverageService:
        """Compares what is stored with the sessions."""
        return CoverageService(self.ready_database, registry.limits)

    @cached_property
    def repair(self) -> Repair:
        """Asks for what is missing."""
        return Repair(self.ready_database, self.coverage, self.instances, self.administration, registry.limits)

    @cached_property
    def freshness(self) -> FreshnessService:
        """Looks at the jobs that have a target for the age of their newest bars."""
        return FreshnessService(self.ready_database)

    @cached_property
    def perishing(self) -> PerishingService:
        """Looks for bars that their source will soon no longer keep."""
        return PerishingService(self.ready_database, registry.limits)

    @cached_property
    def calendars(self) -> Calendars:
        """Keeps the sessions of the exchanges in use."""
        return Calendars(self.ready_database)

    @cached_property
    def symbols(self) -> Symbols:
        """Tells what symbols name, and changes it."""
        return Symbols(self.ready_database)

    @cached_property
    def quarantine(self) -> Quarantine:
        """Decides about bars that were set aside."""
        return Quarantine(self.ready_database)

    @cached_property
    def feed(self) -> Feed:
        """Tells what happens."""
        return Feed(self.ready_database)

    def provider(self, name: str) -> Provider:
        """The provider of this name; the threads of a process share it."""
        if name not in self._providers:
            self._providers[name] = self.open_provider(name)
        return self._providers[name]

    def open_provider(self, name: str) -> Provider:
        """Another provider of this name, with the options that are set; who asks for it closes it."""
        return registry.open_provider(name, self._options_of(name))

    def gate_of(self, claim: Claim, tell: Tell) -> Gate:
        """The way of an attempt to its provider, through the budget that the fleet has there."""
        name = claim.spec.provider
        if name not in self._gates:
            self._gates[name] = Gates(self.budgets, self._place_of(name))
        return self._gates[name].gate(claim.attempt_id, claim.lane, tell, likely=len(claim.symbols))

    @cached_property
    def _own_budgets(self) -> dict[str, Budget]:
        """What the budgets of an egress are by this process's settings."""
        return {one.name: self._place_of(one.name).budget for one in registry.every() if one.plugin is not None}

    def _allowance_of(self, provider: str) -> Allowance:
        """What historical work may ask of a provider: by the settings of the workers, which are not always those of who asks."""
        own = self._place_of(provider).budget.without(self.settings.budget_realtime_share)
        try:
            usages = self.budgets.usages()
        except Unreachable:
            usages = ()
        return allowance_of([one for one in usages if one.provider == provider], own)

    def _place_of(self, provider: str) -> Place:
        settings = self.settings
        budget = registry.plugin(provider).budget
        if provider == "yahoo":
            chosen = (settings.budget_per_second, settings.budget_per_minute, settings.budget_per_hour)
            # A server of one's own has limits of its own.
            default = NO_BUDGET if self._options_of(provider)["base_url"] else budget
            budget = default.with_limits(*chosen)
        longest = timedelta(seconds=settings.provider_timeout) + ON_ITS_WAY
        return Place(provider, settings.egress, budget, settings.budget_realtime_share, longest)

    def _options_of(self, provider: str) -> dict[str, object]:
        given: dict[str, object] = dict(self.settings.providers.get(provider, {}))
        if provider != "yahoo":
            return given
        settings = self.settings
        named = {"engine": settings.provider_engine, "base_url": settings.provider_url or None}
        return {**named, "timeout": timedelta(seconds=settings.provider_timeout), **given}

    def check(self) -> list[str]:
        """Look at both servers before work begins, on connections that are given back, and at the options of providers.

        Raises InvalidInput or SchemaMismatch for one that will never do; tells of one that is away, which may come back.
        """
        for name in self.settings.providers:
            registry.plugin(name).read(self._options_of(name))
        probe = Container(self.settings)
        away = []
        for look in (lambda: probe.ready_database, probe.inspector.check_server):
            try:
                look()
            except Unreachable as error:
                away.append(str(error))
        probe.close()
        return away

    def configure_logs(self) -> None:
        """Set up logging as the settings say."""
        logs.configure(self.settings.log_level, self.settings.log_format)

    def close(self) -> None:
        """Give all connections back."""
        opened = self.__dict__
        servants = [opened.get(name) for name in ("publisher", "inspector", "control", "budgets", "reading")]
        for resource in (*self._providers.values(), *servants):
            if resource is not None:
                resource.close()
        if "database" in opened:
            self.database.dispose()
