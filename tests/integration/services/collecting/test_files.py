"""What somebody has bought, collected from files as from any other provider."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State
from stockjobs.providers.registry import open_provider
from stockjobs.services.collecting.collect import Collect, CollectConfig
from stockjobs.services.collecting.conclusion import Outcome, Verdict
from stockjobs.store.market import actions, instruments, reading
from tests.fixtures.house import House
from tests.unit.providers.files.folders import HEADER, row, write

pytestmark = pytest.mark.integration


def collect(house: House) -> list[Outcome]:
    house.trigger()
    house.dispatch.tick()
    return [outcome for lane in Lane for outcome in house.work(lane)]


def test_bars_from_files_land_with_their_identity_and_landing_them_again_writes_nothing(
    house: House, tmp_path: Path
) -> None:
    root = tmp_path / "bought"
    days = ["2024-01-04", "2024-01-03", "2024-01-02"]
    write(root, "instruments.csv", "symbol,currency,kind,name", "VOD.L,GBp,EQUITY,Vodafone Group")
    rows = [row(f"{day} 00:00:00+00:00", 70.0 + number) for number, day in enumerate(days)]
    write(root, "VOD-L-1d-as-served.csv", HEADER, *rows, row("2024-01-05 00:00:00+00:00", 73.0, dividend="4.5"))
    house.provider = open_provider("files", {"root": str(root)})  # type: ignore[assignment]  # another provider
    window = {"start": "2024-01-01", "end": "2024-02-01"}
    house.define(provider="files", mode="backfill", symbols=["VOD.L", "NONE"], window=window)
    (outcome,) = collect(house)
    assert outcome.error == f"NONE: There is no file for NONE in {root}."
    assert outcome.landed.written == 5
    with house.database.read() as connection:
        (vodafone,) = instruments.by_symbol(connection, "files", ["VOD.L"]).values()
        stored = reading.read(connection, vodafone.id, Interval.D1, None, None)
        dividends = actions.of(connection, vodafone.id)
    assert (vodafone.exchange, vodafone.zone) == ("LSE", "Europe/London")
    assert (vodafone.currency, vodafone.unit, vodafone.name) == ("GBP", 0.01, "Vodafone Group")
    assert stored.close.tolist() == [72.0, 71.0, 70.0, 73.0]
    assert [(one.kind, one.value) for one in dividends] == [("dividend", 4.5)]
    (again,) = collect(house)
    assert again.landed.written == 0


def test_a_provider_that_lacks_an_option_fails_a_task_at_once_and_says_so_once(house: House) -> None:
    house.collect = Collect(house.database, open_provider, CollectConfig())
    house.define(provider="files", mode="backfill", symbols=["VOD.L", "BARC.L"], window={"start": "2024-01-01"})
    (outcome,) = collect(house)
    assert (outcome.verdict, outcome.cause) == (Verdict.FAILED, None)
    said = outcome.error or ""
    assert said.startswith("The provider files cannot be used as this worker is configured: providers.files.root: ")
    assert "STOCKJOBS_PROVIDERS_FILES_ROOT" in said
    assert "VOD.L" not in said
    [task] = house.tasks()
    assert (task.state, task.failures) == (State.FAILED, 0)
