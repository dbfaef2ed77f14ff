"""`stockd`: the whole system on one machine, in the foreground."""

from __future__ import annotations

import signal
import sys
import threading
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stockjobs import settings as settings_module
from stockjobs.daemon import demo as demonstration
from stockjobs.daemon.system import System, SystemConfig
from stockjobs.errors import InvalidInput, StockjobsError
from stockjobs.settings import Origin, Settings


class Pool(StrEnum):
    """Celery's pools that collection works in; only prefork enforces time limits."""

    PREFORK = "prefork"
    THREADS = "threads"


app = typer.Typer(add_completion=False, no_args_is_help=False, pretty_exceptions_enable=False, help=__doc__)
_EXIT_INPUT, _EXIT_ERROR, _EXIT_INTERRUPTED = 2, 1, 130
_LOOK_EVERY = 0.5


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    """Run beat, a worker for each lane and, where none is configured, an embedded Redis and SQLite."""
    if context.invoked_subcommand is None:
        context.invoke(up)


@app.command()
def up(
    state_dir: Annotated[
        Path | None, typer.Option(help="The folder with its state.", show_default=".stockjobs")
    ] = None,
    simulator: Annotated[bool, typer.Option("--simulator", help="Collect from the local Yahoo server.")] = False,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Tasks at once in each lane's worker.")] = 4,
    pool: Annotated[Pool, typer.Option(help="The workers' pool.")] = Pool.PREFORK,
    flower: Annotated[int | None, typer.Option(min=1, max=65535, help="Run Flower on this port.")] = None,
) -> None:
    """Run until Ctrl-C, and stop cleanly."""
    given, console = settings_module.load(), Console()
    folder = state_dir or _state_dir(given, simulator=simulator)
    config = SystemConfig(folder, concurrency, simulator, flower, pool.value)
    stopped = _stop_event()
    console.print("stockjobs is starting…")
    with System(config, given, console.print) as system:
        system.wait_for_workers()
        _banner(system, config, console)
        while not stopped.wait(_LOOK_EVERY):
            system.look_after()
        console.print("stockjobs is stopping: running tasks are finished first…")
    console.print("stopped; all state is kept.")


@app.command()
def demo(
    state_dir: Annotated[Path, typer.Option(help="The folder with its state; it is emptied first.")] = Path(
        ".stockjobs/demo"
    ),
) -> None:
    """Run the four ready jobs once against the local Yahoo server, show what landed, and stop."""
    raise typer.Exit(demonstration.run(state_dir, Console()))


def main() -> None:
    """Run `stockd`; errors are told in a sentence."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(_EXIT_INTERRUPTED)
    except StockjobsError as error:
        print(f"stockd: {error}", file=sys.stderr)  # noqa: T201 - the command's own message
        sys.exit(_EXIT_INPUT if isinstance(error, InvalidInput) else _EXIT_ERROR)


def _state_dir(given: tuple[Settings, dict[str, Origin]], *, simulator: bool) -> Path:
    """The state folder; the simulator's invented prices get one of their own, and never a database that is configured."""
    settings, origins = given
    if not simulator:
        return Path(settings.state_dir)
    if origins["database_url"].kind != "default":
        where = str(origins["database_url"])
        hint = "unset it, or leave --simulator out"
        raise InvalidInput.because(where, "invented prices do not belong into a database that is configured", hint)
    is_chosen = origins["state_dir"].kind != "default"
    return Path(settings.state_dir) if is_chosen else Path(settings.state_dir) / "simulator"


def _stop_event() -> threading.Event:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


def _banner(system: System, config: SystemConfig, console: Console) -> None:
    shown = system.settings
    rows = {
        "database": shown.shown("database_url"),
        "broker": shown.shown("redis_url"),
        "provider": shown.provider_url or "Yahoo",
        "logs": system.log_dir,
    }
    if config.flower is not None:
        rows["Flower"] = f"http://127.0.0.1:{config.flower}"
    for name, value in rows.items():
        console.print(f"  {name:<9} {value}", highlight=False, soft_wrap=True)
    console.print("It is ready. Try in another terminal:")
    folder = str(config.state_dir)
    first = () if folder == Settings.model_fields["state_dir"].default else (f"export STOCKJOBS_STATE_DIR={folder}",)
    for command in (
        "source .venv/bin/activate",
        *first,
        "stockctl apply -f examples/ready-jobs.yaml",
        "stockctl get jobs",
        "stockctl events -w",
    ):
        console.print(f"  {command}", highlight=False)
    console.print("Ctrl-C stops everything.")
