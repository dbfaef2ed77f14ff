"""The heartbeat file of a process."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from stockjobs.telemetry import heartbeat
from stockjobs.telemetry.heartbeat import Heartbeat


def test_a_beat_writes_the_time(tmp_path: Path) -> None:
    before = int(time.time())
    Heartbeat(str(tmp_path / "beat")).beat()
    assert before <= int((tmp_path / "beat").read_text()) <= time.time()
    assert [path.name for path in tmp_path.iterdir()] == ["beat"]


def test_beats_in_quick_succession_write_once(tmp_path: Path) -> None:
    path = tmp_path / "beat"
    heart = Heartbeat(str(path))
    heart.beat()
    path.unlink()
    heart.beat()
    assert not path.exists()


def test_a_beat_after_a_while_writes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "EVERY", 0.0)
    path = tmp_path / "beat"
    heart = Heartbeat(str(path))
    heart.beat()
    path.unlink()
    heart.beat()
    assert path.exists()


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Heartbeat("").beat()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    Heartbeat(str(tmp_path / "missing" / "beat")).beat()
    assert list(tmp_path.iterdir()) == []
