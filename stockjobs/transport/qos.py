"""What a consumer holds of the lanes, and how much more it may take."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

from kombu.transport import redis as kombu_redis
from kombu.transport import virtual

_LARGEST_BATCH = 100


class LaneQoS(kombu_redis.QoS):  # type: ignore[misc]  # kombu publishes no types
    """kombu's bookkeeping, without its Redis traffic for messages of the lanes.

    The ledger sends a lost message again, so those of the lanes are remembered in memory only, as the bytes that stood
    in the list; they go back there if the channel closes before the worker took them on. All other queues keep kombu's
    `unacked` hash.
    """

    free_slots: Callable[[], int] | None = None
    """How many tasks the worker could start at once; set by `stockjobs.transport.slots`, None outside a worker."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._held: dict[str, tuple[str, bytes]] = {}
        self._numbers = count(1)

    def hold(self, lane: str, raw: bytes) -> str:
        """Remember a message of a lane; returns its delivery tag, unique here even if a knock comes twice."""
        tag = f"lane-{next(self._numbers)}"
        self._held[tag] = (lane, raw)
        return tag

    def can_consume(self) -> bool:
        """Whether one more message may be taken now."""
        return bool(super().can_consume()) and (self.free_slots is None or self.free_slots() > 0)

    def free(self) -> int:
        """How many messages may be taken now, at least one: it is asked where `can_consume` has just said yes."""
        limits = [_LARGEST_BATCH]
        if self.prefetch_count:
            limits.append(self.can_consume_max_estimate())
        if self.free_slots is not None:
            limits.append(self.free_slots())
        return max(1, min(limits))

    def append(self, message: Any, delivery_tag: str) -> None:
        """Count a message as delivered."""
        if delivery_tag in self._held:
            virtual.QoS.append(self, message, delivery_tag)
        else:
            super().append(message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """The worker has taken the message on."""
        if self._held.pop(delivery_tag, None) is None:
            super().ack(delivery_tag)
        else:
            virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """The worker does not want the message; `requeue` puts it back at its place."""
        held = self._held.pop(delivery_tag, None)
        if held is None:
            super().reject(delivery_tag, requeue=requeue)
            return
        if requeue:
            self.channel.put_back([held])
        virtual.QoS.ack(self, delivery_tag)

    def restore_unacked(self, client: Any = None) -> None:
        """Put back what the worker has not taken on, each message at its place."""
        held, self._held = self._held, {}
        self._flush()
        for tag in held:
            self._delivered.pop(tag, None)
        # A closing channel may have lost its server, or its connection object; the ledger sends these again.
        with suppress(*self.channel.connection_errors, AttributeError):
            self.channel.put_back(list(held.values()))
        if self._delivered:
            super().restore_unacked(client)
