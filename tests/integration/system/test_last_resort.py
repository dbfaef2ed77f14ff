"""The end of a process that does not come to its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration

HANGING = """
import os, re
from datetime import timedelta
os.environ["REDIS_URL"] = "redis://127.0.0.1:1/0"
from workers.process import die_after
with die_after(timedelta(hours=1)):
    pass
with die_after(timedelta(seconds=0.5)):
    # Takes for ever, and lets no other thread of Python run meanwhile.
    re.match(r"(a+)+$", "a" * 60 + "b")
"""


def test_code_that_holds_the_interpreter_is_ended_and_says_where_it_was() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "Timeout (0:00:00.5" in ended.stderr
    assert "re/__init__.py" in ended.stderr
