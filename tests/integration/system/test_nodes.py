"""Worker nodes: what the ledger knows of them, and changing them while they run, by `stockctl` and real workers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from stockjobs.cli.root import app
from stockjobs.domain.work.states import State
from stockjobs.simulator.client import SimulatorClient
from stockjobs.store.ledger.workers import Worker
from tests.fixtures.fleet import Fleet
from tests.fixtures.redis import eventually

pytestmark = [pytest.mark.integration, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
POOLS = pytest.mark.parametrize("pool", ["prefork", "threads"])


def stockctl(fleet: Fleet, *arguments: str, code: int = 0) -> Result:
    """A command on the fleet."""
    urls = ("--database-url", fleet.settings.database_url, "--redis-url", fleet.settings.redis_url)
    result = CliRunner().invoke(app, [*urls, *arguments])
    assert result.exit_code == code, f"{result.exit_code}: {result.output}"
    return result


def shown(fleet: Fleet) -> Worker:
    """The only worker, as the ledger has it."""
    [worker] = fleet.container.reports.workers()
    return worker


def comes(fleet: Fleet, is_so: Callable[[Worker], bool]) -> None:
    """Wait until the ledger shows it; a node tells every two seconds."""
    eventually(lambda: any(map(is_so, fleet.container.reports.workers())), tell=fleet.logs)


@POOLS
def test_a_node_shows_how_wide_and_how_busy_it_is(fleet: Fleet, yahoo: SimulatorClient, pool: str) -> None:
    yahoo.fault("latency", seconds=25.0)
    fleet.beat()
    fleet.worker(pool=pool, slots=2)
    fleet.define("HANGS", symbols=["AAPL", "MSFT", "NVDA"], batchSize=1)
    occurrence = fleet.trigger("HANGS")
    comes(fleet, lambda node: (node.running, node.concurrency) == (2, 2))
    assert (shown(fleet).memory or 0) > 50 * 2**20
    comes(fleet, lambda node: node.cpu is not None)
    name = shown(fleet).name
    assert stockctl(fleet, "workers", "grow", name).output == f"worker/{name} grows by 1 slot\n"
    comes(fleet, lambda node: (node.running, node.concurrency) == (3, 3))
    assert fleet.attempts(occurrence) == [State.RUNNING] * 3
    stockctl(fleet, "workers", "shrink", name, "2")
    comes(fleet, lambda node: (node.running, node.concurrency) == (3, 1))
    assert "one must be left" in stockctl(fleet, "workers", "shrink", "all", code=5).output
    fleet.container.steering.cancel(occurrence, by="test")
    comes(fleet, lambda node: (node.running, node.concurrency) == (0, 1))
    assert {"memory", "cpu"} <= set(stockctl(fleet, "get", "workers").output.splitlines()[0].lower().split())


def test_a_dropped_lane_waits_in_sql_and_goes_on_once_it_is_added(fleet: Fleet) -> None:
    fleet.beat()
    fleet.worker()
    comes(fleet, lambda node: set(node.lanes) == {"realtime", "historical"})
    name = shown(fleet).name
    assert (
        stockctl(fleet, "workers", "drop-lane", name, "realtime").output == f"worker/{name} serves realtime no more\n"
    )
    comes(fleet, lambda node: node.lanes == ("historical",))
    assert stockctl(fleet, "workers", "drop-lane", name, "realtime").output == f"worker/{name} did not serve realtime\n"
    fleet.define("NOW", symbols=["AAPL"])
    now = fleet.trigger("NOW")
    past = fleet.collect("PAST", symbols=["MSFT"], mode="backfill", window={"period": "P30D"})
    assert past.occurrence.state is State.COMPLETED
    assert fleet.attempts(now) == []
    told = stockctl(fleet, "workers", "add-lane", "all", "realtime").output
    assert told == f"worker/{name} serves realtime from now on\n"
    assert fleet.ended(now).occurrence.state is State.COMPLETED
    comes(fleet, lambda node: set(node.lanes) == {"realtime", "historical"})


def test_a_process_that_has_taken_too_much_memory_is_replaced_and_nothing_is_lost(fleet: Fleet) -> None:
    fleet.beat()
    worker = fleet.worker(slots=1, STOCKJOBS_WORKER_MEMORY="1")
    run = fleet.collect("MANY", symbols=["AAPL", "MSFT", "NVDA"], batchSize=1)
    assert run.occurrence.state is State.COMPLETED
    assert fleet.attempts(str(run.occurrence.id)) == [State.COMPLETED] * 3
    assert worker.log.read_text().count("exceeding memory limit") >= 2


def test_a_node_that_nobody_knows_is_refused_with_those_that_there_are(fleet: Fleet) -> None:
    assert "there is no worker" in stockctl(fleet, "workers", "grow", "all", code=3).output
    fleet.worker()
    comes(fleet, lambda _: True)
    said = stockctl(fleet, "workers", "grow", "w9@nowhere", code=3).output
    assert "'w9@nowhere'" in said
    assert shown(fleet).name in said
    assert "'weekly' is not one of" in stockctl(fleet, "workers", "add-lane", "all", "weekly", code=2).output


def test_a_node_that_does_not_answer_is_named(fleet: Fleet) -> None:
    member = fleet.worker()
    comes(fleet, lambda _: True)
    name = shown(fleet).name
    member.kill()
    assert f"{name} did not answer" in stockctl(fleet, "workers", "grow", name, code=6).output


def test_a_node_that_is_shut_down_ends_what_it_runs_first(fleet: Fleet, yahoo: SimulatorClient) -> None:
    yahoo.fault("latency", seconds=3.0)
    fleet.beat()
    member = fleet.worker()
    fleet.define("SLOW", symbols=["AAPL"])
    occurrence = fleet.trigger("SLOW")
    comes(fleet, lambda node: node.running == 1)
    stockctl(fleet, "workers", "shutdown", shown(fleet).name)
    assert member.process.wait(30) == 0
    assert fleet.ended(occurrence).occurrence.state is State.COMPLETED
    assert fleet.attempts(occurrence) == [State.COMPLETED]
    assert fleet.container.reports.workers() == []
