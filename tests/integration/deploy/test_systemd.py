"""The systemd units: what they run, and what systemd itself says of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.fixtures.needs import needed
from tests.integration.deploy import composefile
from tests.integration.deploy.composefile import ROOT

UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
SERVICES = composefile.services(REALTIME_CONCURRENCY="${CONCURRENCY}")


@pytest.mark.parametrize(
    ("unit", "service"),
    [
        ("stockjobs-worker@.service", "worker-realtime"),
        ("stockjobs-beat.service", "beat"),
        ("stockjobs-migrate.service", "migrate"),
    ],
)
def test_a_unit_runs_what_compose_runs(unit: str, service: str) -> None:
    [command] = _settings(unit, "ExecStart")
    said = command.replace("%%", "%").replace("%i", "realtime").removeprefix("/opt/stockjobs/bin/")
    assert said.split() == list(SERVICES[service].command)


@pytest.mark.parametrize(
    ("unit", "service"), [("stockjobs-worker@.service", "worker-realtime"), ("stockjobs-beat.service", "beat")]
)
def test_a_unit_gets_as_long_to_stop_as_the_service(unit: str, service: str) -> None:
    assert _settings(unit, "TimeoutStopSec") == [f"{SERVICES[service].grace:.0f}"]
    assert (_settings(unit, "Restart"), _settings(unit, "KillMode")) == (["always"], ["mixed"])


def _settings(unit: str, name: str) -> list[str]:
    lines = (ROOT / "deploy/systemd" / unit).read_text().splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]


@pytest.mark.integration
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_finds_no_fault(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name.replace("@.", "@realtime.")
    # The programs and the user of an installation are not here; all else is verified as it stands.
    told = unit.read_text().replace("/opt/stockjobs/bin/", f"{tmp_path}/").replace("=stockjobs\n", "=root\n")
    copy.write_text(told.replace("WorkingDirectory=/opt/stockjobs", f"WorkingDirectory={tmp_path}"))
    for program in ("celery", "stockctl"):
        (tmp_path / program).touch(mode=0o755)
    verified = subprocess.run(
        [needed("systemd-analyze", "systemd"), "verify", "--man=no", "--recursive-errors=no", copy],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")
