"""`scripts/dev.py`, which sets the project up."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

DEV = Path(__file__).parents[2] / "scripts" / "dev.py"


def test_an_environment_that_was_half_made_when_it_was_killed_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev = runpy.run_path(str(DEV))
    made = tmp_path / "venv"
    (made / "bin").mkdir(parents=True)
    (made / "bin" / "python").symlink_to(sys.executable)
    # In place of a Python that takes ten seconds to bring pip.
    quick = tmp_path / "python"
    quick.write_text('#!/bin/sh\ntest "$1 $2 $3" = "-m venv --clear" && touch "$4/bin/pip"\n')
    quick.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(quick))
    monkeypatch.setitem(dev["make_venv"].__globals__, "VENV", str(made))
    assert dev["make_venv"]() == 0
    assert (made / "bin" / "pip").exists()
