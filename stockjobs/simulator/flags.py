"""The command line of the simulator."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from inspect import signature
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from stockjobs.domain.excerpts import excerpt
from stockjobs.errors import InvalidInput
from stockjobs.simulator.budget import Allowance
from stockjobs.simulator.faults import Fault
from stockjobs.simulator.process import SimulatorConfig

T = TypeVar("T")
_SAID = {"missing": "is required", "unexpected_keyword_argument": "is not known"}


def read_flags(arguments: Sequence[str]) -> SimulatorConfig:
    """The configuration that flags mean. Raises `stockjobs.errors.InvalidInput`."""
    given = _parser().parse_args(arguments)
    return SimulatorConfig(
        port=given.port,
        address=given.address,
        state_dir=given.state_dir,
        ready_file=given.ready_file,
        now=instant(given.now) if given.now else None,
        ticking=given.ticking,
        faults=tuple(settings(Fault, text, "--fault") for text in given.fault),
        allowance=settings(Allowance, given.budget, "--budget"),
        quiet=given.quiet,
    )


def _parser() -> argparse.ArgumentParser:
    about = "A local server that speaks Yahoo's protocol."
    parser = argparse.ArgumentParser(prog="python -m stockjobs.simulator", description=about)
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--state-dir", type=Path, help="folder that keeps the certificate authority")
    parser.add_argument("--ready-file", type=Path, help="gets the URLs as JSON once the server listens")
    parser.add_argument("--now", default="", help="the market's time, as 2026-03-02T15:30:00Z; it stands still")
    parser.add_argument("--ticking", action="store_true", help="let the time run on from --now")
    parser.add_argument("--fault", action="append", default=[], help="as kind=status,status=429,symbol=AAPL,times=3")
    parser.add_argument("--budget", default="", help="requests an address may make, as per_second=5,block_seconds=10")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    return parser


def instant(text: str) -> datetime:
    """An instant in ISO 8601, UTC where it names no zone. Raises `stockjobs.errors.InvalidInput`."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput.because("--now", f"{text!r} is no instant", "write 2026-03-02T15:30:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def settings(kind: type[T], text: str, flag: str) -> T:
    """A value from `name=value,name=value`. Raises `stockjobs.errors.InvalidInput`."""
    parts = [part for part in text.split(",") if part]
    known = f"known: {', '.join(signature(kind).parameters)}"
    for part in parts:
        if "=" not in part:
            raise InvalidInput.because(flag, f"{excerpt(part)} is not NAME=VALUE", known)
    try:
        return TypeAdapter(kind).validate_python(dict(part.partition("=")[::2] for part in parts))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInput.because(flag, f"{where}: {_SAID.get(first['type'], first['msg'])}", known) from None
