"""`stockctl workers`: changing worker nodes while they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from stockjobs.bootstrap import Container
from stockjobs.cli.session import container_of
from stockjobs.domain.counting import counted
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import Conflict, NotFound, Unreachable
from stockjobs.store.ledger.workers import Worker
from stockjobs.transport.control import Answer, Control

group = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Change running workers: grow, shrink, their lanes, shut down.",
)

_ALL = "all"

Node = Annotated[
    str, typer.Argument(metavar="NODE", help="A worker's name, as `stockctl get workers` lists it, or all.")
]
Slots = Annotated[int, typer.Argument(metavar="N", min=1, max=1_000, help="By how many slots.")]
LaneName = Annotated[Lane, typer.Argument(metavar="LANE", help="realtime or historical.")]


@group.command()
def grow(ctx: typer.Context, node: Node, slots: Slots = 1) -> None:
    """Let a worker run more tasks at once.

    A worker that is started again has the width that it is started with.
    """
    told = f"grows by {counted(slots, 'slot')}"
    _tell(container_of(ctx), node, lambda control, nodes: control.grow(nodes, slots), lambda _: told)


@group.command()
def shrink(ctx: typer.Context, node: Node, slots: Slots = 1) -> None:
    """Let a worker run fewer tasks at once, at least one.

    What runs is not stopped.
    """
    told = f"shrinks by {counted(slots, 'slot')}"
    _tell(container_of(ctx), node, lambda control, nodes: control.shrink(nodes, slots), lambda _: told)


@group.command(name="add-lane")
def add_lane(ctx: typer.Context, node: Node, lane: LaneName) -> None:
    """Let a worker serve one lane more."""

    def told(worker: Worker) -> str:
        return f"serves {lane} already" if lane in worker.lanes else f"serves {lane} from now on"

    _tell(container_of(ctx), node, lambda control, nodes: control.add_lane(nodes, lane), told)


@group.command(name="drop-lane")
def drop_lane(ctx: typer.Context, node: Node, lane: LaneName) -> None:
    """Let a worker take nothing more from a lane.

    What runs is not stopped. A lane that nobody serves waits in SQL.
    """

    def told(worker: Worker) -> str:
        return f"serves {lane} no more" if lane in worker.lanes else f"did not serve {lane}"

    _tell(container_of(ctx), node, lambda control, nodes: control.drop_lane(nodes, lane), told)


@group.command()
def shutdown(ctx: typer.Context, node: Node) -> None:
    """Stop a worker as soon as what it runs has ended.

    Whoever supervises it (stockd, systemd, Compose, Kubernetes) may start it again.
    """
    _tell(container_of(ctx), node, lambda control, nodes: control.shut_down(nodes), lambda _: "shuts down")


def _tell(
    container: Container,
    node: str,
    command: Callable[[Control, Sequence[str]], list[Answer]],
    told: Callable[[Worker], str],
) -> None:
    """Give a command, and say in our words what those that took it do: theirs are Celery's."""
    workers = {worker.name: worker for worker in container.reports.workers()}
    answers = command(container.control, _named(sorted(workers), node))
    for answer in answers:
        if answer.is_ok:
            typer.echo(f"worker/{answer.node} {told(workers[answer.node])}")
    refused = [f"{answer.node}: {answer.said}" for answer in answers if not answer.is_ok and answer.said]
    silent = [answer.node for answer in answers if answer.said is None]
    if refused:
        raise Conflict("; ".join(refused))
    if silent:
        raise Unreachable(f"{', '.join(silent)} did not answer: is it still there, and is its remote control on?")


def _named(known: list[str], node: str) -> list[str]:
    if not known:
        raise NotFound("there is no worker: start one with `celery -A stockjobs worker`")
    name = node.removeprefix("worker/")
    if name == _ALL:
        return known
    if name not in known:
        raise NotFound(f"there is no worker {name!r}; there are {', '.join(known)}")
    return [name]
