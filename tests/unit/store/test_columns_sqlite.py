"""The process that reads a SQLite file for us."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from stockjobs.store.columns import Columns
from stockjobs.store.database import Database

columns = Columns(Database(f"sqlite:///{sys.argv[1]}"))
with columns.snapshot() as snapshot:
    print(sum(batch.num_rows for batch in snapshot.batches("SELECT 1 AS one")))
"""


def test_a_program_that_has_read_ends_without_a_warning_though_it_closes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    sqlite3.connect(path).close()
    command = [sys.executable, "-W", "always", "-c", PROGRAM, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")
