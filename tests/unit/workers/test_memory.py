"""How much memory processes have resident."""

from __future__ import annotations

import os
from pathlib import Path

from workers.memory import resident


def test_the_resident_pages_of_all_processes_are_added(tmp_path: Path) -> None:
    for pid, pages in ((1, 10), (2, 32)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "statm").write_text(f"5000 {pages} 3 1 0 20 0\n")
    assert resident([1, 2, 3], tmp_path) == 42 * os.sysconf("SC_PAGE_SIZE")


def test_where_nobody_tells_it_is_not_known(tmp_path: Path) -> None:
    assert resident([1], tmp_path) is None
