"""The server as a process: it announces itself, keeps its authority, stops when told to."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stockjobs.simulator.client import running_simulator

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "stockjobs.simulator", "--ready-file", str(ready)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "http://127.0.0.1:" in out
    assert "ca.pem" in out


def test_it_keeps_its_authority_across_restarts_and_its_key_to_itself(tmp_path: Path) -> None:
    certificates = []
    for _ in range(2):
        with running_simulator(tmp_path) as client:
            certificates.append(client.ca.read_bytes())
    assert certificates[0] == certificates[1]
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600


def test_a_port_that_is_taken_is_one_clear_sentence(tmp_path: Path) -> None:
    with running_simulator(tmp_path) as client:
        port = client.url.rpartition(":")[2]
        command = [sys.executable, "-m", "stockjobs.simulator", "--port", port]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 2
    assert (
        second.stderr.strip() == f"simulator: cannot listen on 127.0.0.1:{port}: Address already in use (try --port 0)"
    )
