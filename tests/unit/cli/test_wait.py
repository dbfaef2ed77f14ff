"""Waiting for an occurrence that was asked for before."""

from __future__ import annotations

from stockjobs.errors import SymbolUnknown
from tests.fixtures.cli import Ctl


def asked(ctl: Ctl) -> str:
    ctl.apply("DAILY")
    return ctl("trigger", "DAILY", "-o", "name").stdout.strip()


def test_one_that_has_completed_is_told_at_once_by_its_name_or_the_first_digits(ctl: Ctl) -> None:
    name = asked(ctl)
    ctl.work()
    [line] = ctl.lines("wait", name)
    assert line.startswith(f"{name} completed (1 task, ")
    assert ctl.lines("wait", name.removeprefix("occurrence/")[:8], "--timeout", "1") == [line]


def test_one_of_which_only_a_part_was_collected_is_exit_code_8_with_the_reason(ctl: Ctl) -> None:
    ctl.provider.errors = {"MSFT": [SymbolUnknown("nobody knows it")]}
    name = asked(ctl)
    ctl.work()
    assert "MSFT: nobody knows it" in ctl("wait", name, code=8).stderr


def test_one_that_was_cancelled_is_exit_code_7(ctl: Ctl) -> None:
    name = asked(ctl)
    ctl("cancel", name)
    assert " cancelled " in ctl("wait", name, code=7).stdout


def test_the_wait_is_given_up_when_its_time_is_up(ctl: Ctl) -> None:
    assert "it goes on" in ctl("wait", asked(ctl), "--timeout", "0.01", code=124).stderr


def test_an_unknown_one_is_not_found(ctl: Ctl) -> None:
    ctl("wait", "12345678", code=3)
