"""The server as a process: it listens, says where, and stops cleanly when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from errno import EACCES, EADDRINUSE
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from stockjobs.errors import InvalidInput
from stockjobs.simulator.authority import Authority
from stockjobs.simulator.budget import Allowance
from stockjobs.simulator.faults import Fault
from stockjobs.simulator.server import application
from stockjobs.simulator.state import State
from stockjobs.simulator.tunnel import Front

_LONGEST_HEAD = 1 << 20
_PATIENCE = 1.0


@dataclass(frozen=True)
class SimulatorConfig:
    """How to run the server.

    `port` 0 takes a free one. `state_dir` keeps the certificate authority; without one it is made anew each time.
    `ready_file` gets the URLs as JSON once the server listens. `now` puts the clock, which stands still unless
    `ticking`. `faults` and `allowance` are in force from the start.
    """

    port: int = 0
    address: str = "127.0.0.1"
    state_dir: Path | None = None
    ready_file: Path | None = None
    now: datetime | None = None
    ticking: bool = False
    faults: tuple[Fault, ...] = ()
    allowance: Allowance = field(default_factory=Allowance)
    quiet: bool = False


def run(config: SimulatorConfig) -> None:
    """Serve until SIGINT or SIGTERM. Raises `stockjobs.errors.InvalidInput` if it cannot listen."""
    with contextlib.ExitStack() as stack:
        folder = config.state_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yahoo-simulator-")))
        asyncio.run(_serve(config, folder))


async def _serve(config: SimulatorConfig, folder: Path) -> None:
    stop = _stop_signal()
    state, authority = _state(config), Authority(folder)
    front = Front(application(state), authority, state.count_tunnel)
    front.server = server = HTTPServer(front, max_header_size=_LONGEST_HEAD)
    try:
        sockets = bind_sockets(config.port, config.address)
    except OSError as error:
        place = f"{config.address}:{config.port}"
        raise InvalidInput.because(
            "simulator",
            f"cannot listen on {place}: {error.strerror}",
            "try --port 0" if error.errno in (EADDRINUSE, EACCES) else "choose another --address",
        ) from error
    state.market.snapshot("AAPL")  # the first calendar costs a second, which no request should pay
    server.add_sockets(sockets)
    _announce(config, f"http://{config.address}:{sockets[0].getsockname()[1]}", authority.certificate_path)
    await stop.wait()
    server.stop()
    with contextlib.suppress(TimeoutError):  # a slow answer may still be dripping; it ends with the process
        await asyncio.wait_for(server.close_all_connections(), _PATIENCE)


def _state(config: SimulatorConfig) -> State:
    state = State()
    state.allow(config.allowance)
    for fault in config.faults:
        state.faults.arm(fault)
    if config.now is not None:
        state.market.clock.set(config.now.timestamp(), ticking=config.ticking)
    return state


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _announce(config: SimulatorConfig, url: str, certificate: Path) -> None:
    where = {"url": url, "proxy": url, "ca": str(certificate), "control": f"{url}/__control__/"}
    if not config.quiet:
        lines = (f"Yahoo simulator  {url}", f"proxy            {url}", f"CA certificate   {certificate}")
        print(*lines, sep="\n", flush=True)  # noqa: T201 - the command's output
    if config.ready_file:
        _write_whole(config.ready_file, json.dumps(where))


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or nothing."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as scratch:
        scratch.write(text)
    Path(scratch.name).replace(path)
