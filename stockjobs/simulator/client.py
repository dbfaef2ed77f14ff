"""A client of the control API, for tests and demonstrations; it runs the server as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from stockjobs.errors import InvalidInput, Unreachable

_START_TIMEOUT = 30.0
_STOP_TIMEOUT = 10.0


@dataclass(frozen=True)
class SimulatorClient:
    """A running simulator: where it listens, and its control API.

    `url` serves Yahoo's paths over plain HTTP and is the CONNECT proxy as well; `ca` is the certificate to trust.
    """

    url: str
    ca: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which any HTTP client of a process is led through the proxy to this server."""
        trust = dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), str(self.ca))
        return {"HTTPS_PROXY": self.url, "https_proxy": self.url, **trust}

    def fault(self, kind: str, **settings: object) -> int:
        """Arm a fault; its number disarms it. The settings are those of `stockjobs.simulator.faults.Fault`."""
        return int(self.call("POST", "faults", {"kind": kind, **settings})["id"])

    def disarm(self, number: int | None = None) -> None:
        """Disarm one fault, or all."""
        self.call("DELETE", "faults" if number is None else f"faults/{number}")

    def budget(self, **settings: object) -> None:
        """Set what an address may ask for; see `stockjobs.simulator.budget.Allowance`."""
        self.call("POST", "budget", settings)

    def set_clock(self, now: datetime, *, ticking: bool = False) -> None:
        """Put the market's clock; it stands still unless it is ticking."""
        self.call("POST", "clock", {"now": now.isoformat(), "ticking": ticking})

    def advance(self, seconds: float) -> None:
        """Move the market's clock on."""
        self.call("POST", "clock", {"advance": seconds})

    def split(self, symbol: str, numerator: float, denominator: float = 1.0, *, at: datetime | None = None) -> None:
        """Declare a split, from the market's now on or from an instant on."""
        document = {"symbol": symbol, "numerator": numerator, "denominator": denominator}
        self.call("POST", "splits", document | ({"at": at.isoformat()} if at else {}))

    def restate(
        self, symbol: str, *, day: str | None = None, at: datetime | None = None, **values: float | None
    ) -> None:
        """Tell a bar otherwise; `factor` multiplies its prices, any column's name replaces that value."""
        factor = values.pop("factor", 1.0)
        document = {
            "symbol": symbol,
            "factor": factor,
            "values": values,
            "day": day,
            "at": at.isoformat() if at else None,
        }
        self.call("POST", "restatements", document)

    def holes(self, symbol: str, every: int) -> None:
        """Make every n-th bar of a symbol null; 0 mends them."""
        self.call("POST", "holes", {"symbol": symbol, "every": every})

    def rotate_crumb(self) -> None:
        """Make the present crumb stale."""
        self.call("POST", "crumb")

    def counters(self) -> dict[str, Any]:
        """What was asked since the start or the last reset."""
        return dict(self.call("GET", "counters"))

    def requests(self, symbol: str = "", endpoint: str = "") -> list[dict[str, Any]]:
        """The latest requests, oldest first."""
        return list(self.call("GET", "requests?" + urlencode({"symbol": symbol, "endpoint": endpoint})))

    def reset_counters(self) -> None:
        """Count from zero again."""
        self.call("DELETE", "counters")

    def reset(self) -> None:
        """No faults, edits, limits and counts; the real time."""
        self.call("POST", "reset")

    def call(self, method: str, what: str, document: object = None) -> Any:
        """Any request to the control API. Raises `stockjobs.errors.InvalidInput` if the server refuses it."""
        body = json.dumps(document).encode() if document is not None else None
        request = Request(f"{self.url}/__control__/{what}", body, {"Content-Type": "application/json"}, method=method)
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:
                return json.load(answer)
        except HTTPError as error:
            with error:
                raise InvalidInput.because(f"simulator {what}", json.load(error)["error"]) from error


@contextmanager
def running_simulator(folder: Path, *flags: str) -> Iterator[SimulatorClient]:
    """Run the server as a process of its own, with its files in a folder, and stop it at the end."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "stockjobs.simulator", "--state-dir", str(folder), "--ready-file", str(ready)]
    with _process([*command, "--quiet", *flags]) as process:
        where = _wait_until_ready(process, ready)
        yield SimulatorClient(where["url"], Path(where["ca"]))


@contextmanager
def _process(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, env=os.environ | {"PYTHONUNBUFFERED": "1"}) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(process: subprocess.Popen[bytes], ready: Path) -> dict[str, str]:
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        if ready.exists():
            return dict(json.loads(ready.read_text()))
        time.sleep(0.02)
    raise Unreachable(f"the simulator did not start within {_START_TIMEOUT:.0f} s (exit code {process.poll()})")
