"""Remote control of running workers: Celery's own commands, with answers waited for and refusals told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from stockjobs.domain.masks import mask_secrets
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import BrokerAway
from stockjobs.transport.app import TransportConfig, make_app

_REPR = re.compile(r"""[A-Za-z]+\((["'])(?P<said>.*)\1\)""", re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """What a node said to a command; `is_ok` unless it refused. It said None if it did not answer in time."""

    node: str
    is_ok: bool
    said: str | None


class Control:
    """Commands to worker nodes, each given by its Celery name. Each command raises BrokerAway if the broker is."""

    def __init__(self, broker_url: str, *, timeout: float = 5.0) -> None:
        self._app: Celery = make_app(TransportConfig(broker_url))
        self._timeout = timeout

    def grow(self, nodes: Sequence[str], slots: int) -> list[Answer]:
        """Run so many tasks more at once."""
        return self._tell("pool_grow", nodes, n=slots)

    def shrink(self, nodes: Sequence[str], slots: int) -> list[Answer]:
        """Run so many tasks fewer at once; what runs is not stopped."""
        return self._tell("pool_shrink", nodes, n=slots)

    def add_lane(self, nodes: Sequence[str], lane: Lane) -> list[Answer]:
        """Serve one lane more."""
        return self._tell("add_consumer", nodes, queue=lane.value)

    def drop_lane(self, nodes: Sequence[str], lane: Lane) -> list[Answer]:
        """Take nothing more from a lane; what runs is not stopped."""
        return self._tell("cancel_consumer", nodes, queue=lane.value)

    def shut_down(self, nodes: Sequence[str]) -> list[Answer]:
        """Stop, when what runs has ended."""
        # Celery's workers answer everything but this, so they are asked first whether they listen.
        answers = self._tell("ping", nodes)
        listening = [answer.node for answer in answers if answer.is_ok]
        if listening:
            self._ask("shutdown", listening, {}, is_answered=False)
        return [replace(answer, said="shutting down") if answer.is_ok else answer for answer in answers]

    def close(self) -> None:
        """Give the connections back."""
        self._app.close()

    def _tell(self, command: str, nodes: Sequence[str], **arguments: object) -> list[Answer]:
        replies = self._ask(command, nodes, arguments, is_answered=True) if nodes else {}
        return [answer_of(node, replies.get(node)) for node in nodes]

    def _ask(
        self, command: str, nodes: Sequence[str], arguments: Mapping[str, object], *, is_answered: bool
    ) -> dict[str, dict[str, Any]]:
        # Of its own: a command cannot be given twice, so none is given over a pooled connection that may have been cut since.
        connection = self._app.connection_for_write()
        try:
            replies = self._app.control.broadcast(
                command,
                arguments=dict(arguments),
                destination=list(nodes),
                reply=is_answered,
                timeout=self._timeout,
                # Or it would wait until the time is up, whether all have answered or not.
                limit=len(nodes),
                connection=connection,
            )
        except (OperationalError, *connection.connection_errors) as error:
            raise BrokerAway(f"the broker cannot be reached: {mask_secrets(str(error))}") from error
        finally:
            connection.release()
        return {node: said for reply in replies or () for node, said in reply.items()}


def answer_of(node: str, reply: Mapping[str, Any] | None) -> Answer:
    """A node's reply to a command as an answer; None is no reply."""
    if reply is None:
        return Answer(node, False, None)
    if "error" not in reply:
        return Answer(node, True, str(reply.get("ok", "ok")))
    # Celery sends what its command raised in the form of Python's repr.
    text = str(reply["error"])
    found = _REPR.fullmatch(text)
    return Answer(node, False, found["said"] if found else text)
