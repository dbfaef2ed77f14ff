"""The command line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stockjobs.errors import InvalidInput
from stockjobs.simulator.faults import Kind
from stockjobs.simulator.flags import read_flags


def test_flags_become_a_configuration() -> None:
    config = read_flags(
        [
            "--port",
            "8080",
            "--now",
            "2026-03-02T15:30:00Z",
            "--fault",
            "kind=status,status=429,times=3",
            "--budget",
            "per_second=5",
        ]
    )
    assert config.port == 8080
    assert config.now == datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
    assert (config.faults[0].kind, config.faults[0].status, config.faults[0].times) == (Kind.STATUS, 429, 3)
    assert config.allowance.per_second == 5


@pytest.mark.parametrize(
    "flags",
    [
        ["--now", "yesterday"],
        ["--fault", "kind=nothing"],
        ["--fault", "kind=html,colour=red"],
        ["--budget", "per_second=x"],
    ],
)
def test_what_cannot_be_meant_is_refused(flags: list[str]) -> None:
    with pytest.raises(InvalidInput):
        read_flags(flags)
