"""The verbs, and how every command ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module

import pytest

from stockjobs import errors
from stockjobs.cli import version
from stockjobs.cli.exits import ExitCode, code_of
from stockjobs.cli.root import VERBS, load
from tests.fixtures.cli import Ctl
from tools.pages import help_of

HEAVY = (
    "pandas",
    "numpy",
    "sqlalchemy",
    "celery",
    "kombu",
    "redis",
    "yfinance",
    "pydantic",
    "ruamel",
    "stockjobs.bootstrap",
)


@pytest.mark.parametrize("name", VERBS)
def test_the_list_of_verbs_says_what_each_says_of_itself(name: str) -> None:
    assert (load(name).help or "").strip().splitlines()[0] == VERBS[name].help


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_explains_itself(ctl: Ctl, name: str) -> None:
    assert ctl(name, "--help").stdout.startswith(f"Usage: stockctl {name} ")
    assert ctl(name, "-h").stdout == ctl(name, "--help").stdout
    assert load(name).context_settings["help_option_names"] == ["-h", "--help"]


def test_summaries_are_whole_on_a_usual_terminal(ctl: Ctl) -> None:
    groups = [(), *((name,) for name in VERBS if getattr(load(name), "commands", None))]
    cut = {name: [line for line in ctl.lines(*name, "-h") if line.endswith("...")][1:] for name in groups}
    assert {name: lines for name, lines in cut.items() if lines} == {}


def test_what_is_to_be_typed_is_told_in_words_of_people() -> None:
    told = "\n".join(help_of(name) for name in VERBS)
    assert re.findall(r"<(?:str|int|float|path|list|bool|int range|list\[\w+\])>", told) == []
    assert "  SYMBOL…  Only these, apart or with commas" in told
    assert "  --limit N " in told
    assert "  LAYOUT <plain|partitions|timescale>\n" in told


def test_help_imports_nothing_that_is_slow() -> None:
    program = (
        "import sys; from stockjobs.cli.root import app; app(['--help'], standalone_mode=False); print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = run.stdout.splitlines()[-1].split()
    assert [name for name in HEAVY if name in loaded] == []


def test_a_mistyped_verb_is_exit_code_2_with_what_was_meant(ctl: Ctl) -> None:
    assert "stockctl: no such command 'aply' (did you mean 'apply'?)\n" in ctl("aply", code=2).stderr


def test_without_a_verb_the_help_is_shown(ctl: Ctl) -> None:
    result = ctl(code=2)
    assert "Commands:" in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidInput.because("", "no"), 2),
        (errors.SchemaMismatch("no"), 2),
        (errors.NotFound("no"), 3),
        (errors.Conflict("no"), 5),
        (errors.Busy("no"), 5),
        (errors.Unreachable("no"), 6),
        (errors.ProviderDown("no"), 1),
    ],
)
def test_every_error_has_its_exit_code(error: errors.StockjobsError, code: int) -> None:
    assert code_of(error) == ExitCode(code)


def test_the_unexpected_is_one_sentence_and_with_v_a_traceback_too(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> str:
        raise RuntimeError(f"{name} fell over\nand more")

    monkeypatch.setattr(version, "version_of", fail)
    assert ctl("version", code=1).stderr == (
        "stockctl: RuntimeError: stockjobs fell over (run `stockctl -v …` to see where)\n"
    )
    assert "Traceback" in ctl("-v", "version", code=1).stderr


def test_every_module_of_the_command_line_is_imported_by_some_verb() -> None:
    for verb in VERBS.values():
        assert hasattr(import_module(f"stockjobs.cli.{verb.module}"), verb.attribute)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("stockctl tr", ["trigger"]),
        ("stockctl get ", ["jobs", "occurrences", "tasks", "templates", "findings", "rules", "lanes", "workers"]),
    ],
)
def test_a_shell_completes_verbs_and_nouns(typed: str, offered: list[str]) -> None:
    asked = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" ")), "_STOCKCTL_COMPLETE": "complete_bash"}
    run = subprocess.run(
        [sys.executable, "-m", "stockjobs.cli"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **asked},
    )
    assert run.stdout.split() == offered
