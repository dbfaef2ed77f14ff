"""Where data may come from, as `stockctl` tells it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stockjobs.bootstrap import Container
from stockjobs.errors import InvalidInput
from stockjobs.settings import Settings
from tests.fixtures.cli import Ctl
from tests.unit.providers.files.folders import HEADER, row, write


def test_the_providers_that_come_with_it_are_listed(ctl: Ctl) -> None:
    lines = ctl.lines("providers")
    assert [line.split()[:2] for line in lines[1:3]] == [["yahoo", "stockjobs"], ["files", "stockjobs"]]
    documents = {one["name"]: one for one in ctl.json("providers")}
    assert {option["name"] for option in documents["files"]["options"]} >= {"root", "prices", "default_zone"}


def test_a_provider_is_described_with_its_limits_and_options(ctl: Ctl) -> None:
    shown = ctl("providers", "describe", "yahoo").stdout
    assert "1m         7d               29d" in shown
    assert "engine" in shown
    assert "required" in ctl("providers", "describe", "files").stdout
    assert "did you mean yahoo" in ctl("providers", "describe", "yaho", code=2).stderr


def _check(ctl: Ctl, *more: str, code: int = 0) -> list[str]:
    window = ("--start", "2024-01-01", "--end", "2024-02-01")
    return ctl.lines("providers", "check", "files", "-s", "BTC-USD", *window, *more, code=code)


def test_a_provider_is_checked_with_the_options_that_are_set(
    ctl: Ctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "bought"
    write(root, "BTC-USD.csv", HEADER, row("2024-01-02"), row("2024-01-20"))
    monkeypatch.setenv("STOCKJOBS_PROVIDERS_FILES_ROOT", str(root))
    lines = _check(ctl)
    assert len(lines) >= 15
    assert all(line.startswith("ok ") for line in lines)
    assert any("failed  " in line and "SymbolUnknown" in line for line in _check(ctl, "--unknown", "BTC-USD", code=1))


def test_a_reason_that_many_checks_fail_for_is_said_once(
    ctl: Ctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOCKJOBS_PROVIDERS_FILES_ROOT", str(tmp_path / "nowhere"))
    failed = [line for line in _check(ctl, code=1) if line.startswith("failed")]
    said = [line.partition(": ")[2] for line in failed[:-1]]
    assert any("nowhere" in one for one in said)
    assert len(said) == len(set(said))
    assert re.fullmatch(r"failed  \d+ more checks, for (this reason|a reason above)", failed[-1])


def test_what_has_to_be_set_is_told(ctl: Ctl) -> None:
    result = ctl("providers", "check", "files", "-s", "AAPL", code=2)
    assert "providers.files.root: has to be set" in result.stderr


def test_options_are_listed_without_their_values(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKJOBS_PROVIDERS_ACME_API_KEY", "S3CR3T")
    shown = ctl("config").stdout
    assert "acme.api_key=***" in shown
    assert "S3CR3T" not in shown + ctl("config", "-o", "json").stdout


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"file": {"root": "."}}, "there is no provider 'file'.*did you mean files"),
        ({"files": {"rot": "."}}, r"providers.files.rot: is not an option"),
        ({"yahoo": {"engine": "abacus"}}, r"providers.yahoo.engine"),
    ],
)
def test_options_that_cannot_be_are_refused_before_work_begins(
    given: dict[str, dict[str, str]], said: str, tmp_path: Path
) -> None:
    container = Container(Settings(database_url=f"sqlite:///{tmp_path}/x.db", providers=given))
    with pytest.raises(InvalidInput, match=said):
        container.check()


def test_options_of_yahoo_go_before_the_older_settings() -> None:
    settings = Settings(provider_url="http://127.0.0.1:1", providers={"yahoo": {"base_url": "http://127.0.0.1:2"}})
    container = Container(settings)
    provider = container.open_provider("yahoo")
    assert provider._connection._options.base_url == "http://127.0.0.1:2"  # type: ignore[attr-defined]
    provider.close()
