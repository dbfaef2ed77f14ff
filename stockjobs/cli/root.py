"""The root of `stockctl`: its verbs, the options before them, and how every command ends.

A verb's module is imported when the verb is run: SQLAlchemy, Celery and pydantic take a second, which `--help`, completion and a
mistyped word should not cost.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from stockjobs.cli import wrapping
from stockjobs.cli.exits import ExitCode, code_of
from stockjobs.cli.globals import Globals
from stockjobs.errors import Problem, StockjobsError


@dataclass(frozen=True)
class Verb:
    """Where a verb's function, or its group of them, is; `help` is the first line of its docstring."""

    module: str
    attribute: str
    help: str


VERBS = {
    "apply": Verb("apply", "apply", "Make jobs and templates as manifests say. Repeating it changes nothing."),
    "diff": Verb("apply", "diff", "Show what applying manifests would change, if anything."),
    "render": Verb("render", "render", "Show the job that a template gives, and apply it if asked to."),
    "get": Verb("get", "group", "List jobs, occurrences, tasks, templates, findings and more."),
    "describe": Verb("describe", "group", "Show all about one job, occurrence, template or finding."),
    "next": Verb("next", "show", "Show when a job is due next, or between two instants."),
    "schedule": Verb("schedule", "schedule", "Change when a job is due, at once, while everything runs."),
    "trigger": Verb("trigger", "trigger", "Ask for an occurrence of a job, now or for later."),
    "backfill": Verb("backfill", "backfill", "Collect what is missing of the past, for a job or symbols."),
    "wait": Verb("wait", "wait", "Wait until an occurrence has ended, and say how."),
    "cancel": Verb("steering", "cancel", "Cancel occurrences or tasks, whether they wait or run."),
    "retry": Verb("steering", "retry", "Give what failed or timed out another chance."),
    "release": Verb(
        "findings",
        "release",
        "Decide that bars which were set aside are good. They are stored now, and not set aside again.",
    ),
    "reject": Verb(
        "findings",
        "reject",
        "Decide that bars set aside are bad, or a finding done with. Nobody is asked about it again.",
    ),
    "enable": Verb("change", "enable", "Let a job be due again; what it missed is not made up."),
    "disable": Verb("change", "disable", "Let a job be due no more, and refuse its trigger."),
    "pause": Verb("pause", "pause", "Let nothing more of jobs, a lane or everything start. What runs goes on."),
    "resume": Verb(
        "pause",
        "resume",
        "Let jobs, a lane or everything start again. The next tick of a beat offers what waits.",
    ),
    "delete": Verb("change", "delete", "Delete jobs or templates. History, data and the jobs of a template stay."),
    "workers": Verb("workers", "group", "Change running workers: grow, shrink, their lanes, shut down."),
    "events": Verb("events", "events", "Show what happened, and follow what happens."),
    "status": Verb("status", "status", "Tell whether database, Redis, beat and workers do their work."),
    "budget": Verb("budget", "budget", "Show what is left of budgets, and which providers are closed."),
    "stats": Verb(
        "stats",
        "stats",
        "Count what succeeds, how long it takes, and what it brings. What is going on now is told too.",
    ),
    "prune": Verb("prune", "prune", "Remove old history. Ended occurrences go, with their tasks, attempts and events."),
    "data": Verb("data", "data", "Show stored bars, write them to a file, or list what there is."),
    "symbols": Verb(
        "symbols",
        "group",
        "List instruments by their symbols, now and in the past. Rename one, accept its other currency, or revive a dead one.",
    ),
    "providers": Verb(
        "providers",
        "group",
        "List where data may come from. Describe a provider, or check that it does what every provider has to.",
    ),
    "coverage": Verb(
        "coverage",
        "coverage",
        "Compare what is stored with the sessions of the exchanges. It tells how much is there, and why the rest is not.",
    ),
    "gaps": Verb(
        "gaps",
        "gaps",
        "List the days of which bars are missing, with the cause. It tells when the source is asked for them again.",
    ),
    "freshness": Verb(
        "freshness",
        "freshness",
        "Show how far jobs are behind what their sources have. It is held against the `freshness` that they name.",
    ),
    "repair": Verb(
        "repair", "repair", "Ask for just the bars that are missing and may be had. They are one occurrence."
    ),
    "config": Verb("config", "config", "List every setting, and where its value comes from."),
    "db": Verb("db", "group", "Migrate the database, check it, or change how bars lie in it."),
    "simulator": Verb("simulator", "simulator", "Run a local server that speaks Yahoo's protocol."),
    "version": Verb("version", "version", "Show the version, and those of what it stands on."),
}


class Verbs(TyperGroup):
    """The verbs of `stockctl`, each a stub until it is run."""

    context_class = wrapping.Context

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, verb in VERBS.items():
            self.add_command(TyperCommand(name, help=verb.help))

    def make_context(self, *arguments: Any, **settings: Any) -> Any:
        """The context of a call; what is wrong with the options before the verb is told as everything is."""
        try:
            return super().make_context(*arguments, **settings)
        except typer.TyperException as error:
            raise typer.Exit(_tell_refused(error)) from error

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb itself in place of its stub."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(str(name)) if command else None, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the verb, and turn what it raises into a sentence on stderr and an exit code."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except StockjobsError as error:
            raise typer.Exit(_tell(error, code_of(error), ctx)) from error
        except BrokenPipeError:
            _drop_output()
            raise typer.Exit(ExitCode.BROKEN_PIPE) from None
        except typer.TyperException as error:
            raise typer.Exit(_tell_refused(error)) from error
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            raise typer.Exit(_tell_unexpected(error, ctx)) from error
        return result


def load(name: str) -> Any:
    """The command of a verb; imports its module."""
    verb = VERBS[name]
    found = getattr(import_module(f"stockjobs.cli.{verb.module}"), verb.attribute)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(name)(found)
        found = single
    command = get_command(found)
    wrapping.wrap(command)
    command.context_settings = {**command.context_settings, **_HELP}
    return command


def _tell(error: StockjobsError, code: ExitCode, ctx: Any) -> ExitCode:
    _trace(error, ctx)
    for line in str(error).splitlines():
        typer.echo(f"stockctl: {line}", err=True)
    return code


def _tell_refused(error: typer.TyperException) -> int:
    """Tell in a line what Typer refuses: the option, what was wrong, and where what is possible can be read."""
    if error.message.startswith(_USAGE):
        # Where nothing is typed after a group, the help is the answer.
        typer.echo(error.message, err=True)
        return error.exit_code
    # Typer passes on how pydantic begins a refusal.
    text = (error.message if _is_about_value(error) else error.format_message()).replace("Value error, ", "")
    ctx = getattr(error, "ctx", None)
    hint = f"`{ctx.command_path} -h` lists what there is" if ctx else ""
    if guess := _GUESS.fullmatch(text):
        text, hint = guess[1], _begun_small(guess[2])
    where = _option(error) if _is_about_value(error) else ""
    typer.echo(f"stockctl: {Problem(where, _begun_small(text.rstrip('. ')), hint)}", err=True)
    return error.exit_code


def _begun_small(text: str) -> str:
    return text[:1].lower() + text[1:]


def _is_about_value(error: typer.TyperException) -> bool:
    return isinstance(error, typer.BadParameter) and bool(error.message) and error.param is not None


def _option(error: Any) -> str:
    """The name of the option or argument that is refused."""
    hint: str = error.param.get_error_hint()
    return hint.partition(" / ")[0].strip("'")


def _tell_unexpected(error: Exception, ctx: Any) -> ExitCode:
    _trace(error, ctx)
    if isinstance(error, OSError) and error.errno in _FULL:
        _drop_unwritable()
        typer.echo("stockctl: no room is left where it is to be written: free some, or write it elsewhere", err=True)
        return ExitCode.ERROR
    sentence = str(error).partition("\n")[0] or "no reason given"
    typer.echo(f"stockctl: {type(error).__name__}: {sentence} (run `stockctl -v …` to see where)", err=True)
    return ExitCode.ERROR


def _trace(error: Exception, ctx: Any) -> None:
    if isinstance(ctx.obj, Globals) and ctx.obj.verbose:
        traceback.print_exception(error)


def _drop_unwritable() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _drop_output()


def _drop_output() -> None:
    # What is still buffered would be flushed at exit, and fail again with a traceback.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_STDERR = 2
_USAGE = "Usage: "
_GUESS = re.compile(r"(.*?)\.? \(?((?:Did you mean|Possible options).*?)\)?", re.DOTALL)
"""How Typer guesses what may have been meant."""
_FULL = (errno.ENOSPC, errno.EDQUOT)
_HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="stockctl",
    cls=Verbs,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=_HELP,
)


@app.callback()
def options(
    ctx: typer.Context,
    database_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The database, instead of the one that is set.")
    ] = None,
    redis_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The Redis, instead of the one that is set.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log to stderr, and show tracebacks.")] = False,
) -> None:
    """Define jobs that collect market data, run them, and look at what they brought."""
    ctx.obj = Globals(database_url, redis_url, verbose)


def main() -> None:
    """Run `stockctl`."""
    _replace_closed_streams()
    for argument in sys.argv[1:]:
        if not _is_text(argument):
            typer.echo(f"stockctl: {argument!r} is not text in this terminal's encoding: type it again", err=True)
            sys.exit(ExitCode.USAGE)
    app(prog_name="stockctl")


def _replace_closed_streams() -> None:
    """Give the process the standard streams that its caller closed (`>&-`), as streams that lead nowhere."""
    # Without them a file or a connection would get their numbers, and Python has None in their place.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(_STDERR, "w", encoding="utf-8", closefd=False)


def _is_text(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True
