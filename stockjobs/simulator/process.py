"""The server as a process: it listens, says where, and stops cleanly when it is told to."""

from __future__ import annotations

import asyncio
import json
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from stockjobs.simulator.market import Market
from stockjobs.simulator.server import application


@dataclass(frozen=True)
class SimulatorConfig:
    """How to run the server. Port 0 takes a free one; `ready_file` is written once it listens."""

    port: int = 0
    address: str = "127.0.0.1"
    ready_file: Path | None = None


def run(config: SimulatorConfig) -> None:
    """Serve until SIGINT or SIGTERM."""
    asyncio.run(_serve(config))


async def _serve(config: SimulatorConfig) -> None:
    market = Market()
    server = HTTPServer(application(market), max_header_size=1 << 20)
    sockets = bind_sockets(config.port, config.address)
    server.add_sockets(sockets)
    url = f"http://{config.address}:{sockets[0].getsockname()[1]}"
    market.snapshot("AAPL")
    print(f"Yahoo simulator at {url}", flush=True)  # noqa: T201 - the command's output
    if config.ready_file:
        _write_whole(config.ready_file, json.dumps({"url": url}))
    await _told_to_stop()
    server.stop()
    await server.close_all_connections()


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or nothing."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as scratch:
        scratch.write(text)
    Path(scratch.name).replace(path)
