"""`stockctl simulator`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stockjobs.cli.taking import taking
from stockjobs.simulator.budget import Allowance
from stockjobs.simulator.faults import Fault
from stockjobs.simulator.flags import instant, settings
from stockjobs.simulator.process import SimulatorConfig, run


def config_of(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, metavar="PORT", help="The port to listen on; 0 takes a free one.")
    ] = 0,
    address: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    state_dir: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The folder that keeps the certificate authority.")
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Gets the URLs as JSON once the server listens.")
    ] = None,
    market_time: Annotated[
        str | None, typer.Option("--now", metavar="INSTANT", help="The market's time, which then stands still.")
    ] = None,
    ticking: Annotated[bool, typer.Option("--ticking", help="Let the time run on from --now.")] = False,
    fault: Annotated[
        list[str] | None, typer.Option(metavar="FAULT", help="As kind=status,status=429,symbol=AAPL,times=3.")
    ] = None,
    budget: Annotated[
        str, typer.Option(metavar="BUDGET", help="Requests that an address may make: per_second=5,block_seconds=10.")
    ] = "",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> SimulatorConfig:
    """How to run the server. Raises InvalidInput."""
    return SimulatorConfig(
        port=port,
        address=address,
        state_dir=state_dir,
        ready_file=ready_file,
        now=instant(market_time) if market_time else None,
        ticking=ticking,
        faults=tuple(settings(Fault, text, "--fault") for text in fault or ()),
        allowance=settings(Allowance, budget, "--budget"),
        quiet=quiet,
    )


@taking(config=config_of)
def simulator(ctx: typer.Context, config: SimulatorConfig) -> None:  # noqa: ARG001 - `taking` gives it to every verb
    """Run a local server that speaks Yahoo's protocol.

    It serves a deterministic market until Ctrl-C. PROVIDER_URL points stockjobs at the URL that it prints; as a proxy
    it serves yfinance itself.
    """
    run(config)
