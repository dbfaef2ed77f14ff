"""kombu's Redis channel, with lanes: kept in rank order, fetched in batches, guarded.

Publishing to a lane puts the message at its place; a plain `BRPOP` still serves the list in the right order. Fetching
asks one script for as many messages as there are free slots; only when all lists are empty does the channel wait in
kombu's `BRPOP`, so that an idle worker costs one command a second and wakes at once. Everything else (event loop,
broadcasts, other queues, reconnecting) is kombu's.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty
from time import monotonic
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, _transport_cache
from kombu.transport import redis as kombu_redis
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import dumps, loads
from redis.exceptions import NoScriptError

from stockjobs.domain.work.lanes import Lane
from stockjobs.transport.guard import Malformed, examine
from stockjobs.transport.qos import LaneQoS
from stockjobs.transport.scripts import FETCH, FETCH_SHA, INSERT, insert_arguments, rank_in
from stockjobs.transport.setaside import CAPACITY, SET_ASIDE_KEY, SetAside

logger = logging.getLogger(__name__)

LANES = tuple(lane.value for lane in Lane)
"""The names of the lanes' lists, in the order in which a worker serves them."""

_WHOLE = 1000
_RANK = re.compile(r"[0-9]{36}")


class LaneChannel(kombu_redis.Channel):  # type: ignore[misc]  # kombu publishes no types
    """A Redis channel that knows the lanes."""

    QoS = LaneQoS

    historical_share = 0.1
    """Of the messages handed out while both lanes have work, the part that is historical; a transport option."""

    from_transport_options = (*kombu_redis.Channel.from_transport_options, "historical_share")

    def __init__(self, *args: Any, **options: Any) -> None:
        self._credit = 0
        self._must_wait = False
        self._is_fetch_known = False
        self._asked_of: Sequence[str] | None = None
        super().__init__(*args, **options)
        self._insert = self._create_client().register_script(INSERT)

    def _put(self, queue: str, message: dict[str, Any], **options: Any) -> None:
        if queue not in LANES:
            super()._put(queue, message, **options)
            return
        given = (message.get("headers") or {}).get("rank")
        rank = given if isinstance(given, str) and _RANK.fullmatch(given) else ""
        arguments = insert_arguments([(rank, dumps(message).encode())])
        batch = options.pop("_publish_batch", None)
        if batch is not None:
            batch.add("eval", INSERT, 1, self.global_keyprefix + queue, *arguments)
            return
        with self.conn_or_acquire() as client:
            self._insert(keys=[queue], args=arguments, client=client)

    def put_back(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Return messages, given as (queue, raw) in the order in which they were taken, to their places."""
        for queue in dict.fromkeys(queue for queue, _ in messages):
            raws = [raw for name, raw in messages if name == queue]
            with self.conn_or_acquire() as client:
                if queue in LANES:
                    ranked = [(rank_in(raw), raw) for raw in raws]
                    self._insert(keys=[queue], args=insert_arguments(ranked, returns=True), client=client)
                else:
                    client.rpush(queue, *reversed(raws))

    def _update_queue_cycle(self) -> None:
        self._queue_cycle.update(in_lane_order(self.active_queues))
        self._must_wait = False

    # kombu's event loop calls this when a message may be taken, and _brpop_read when the reply is there.
    def _brpop_start(self, timeout: float | None = None) -> None:
        self._asked_of = None
        if self._must_wait or not any(queue in LANES for queue in self.active_queues):
            super()._brpop_start(timeout)
        else:
            self._ask_for_batch()

    def _ask_for_batch(self) -> None:
        queues = self._queue_cycle.consume(len(self.active_queues))
        keys = [self._q_for_pri(queue, step) for step in self.priority_steps for queue in queues]
        places = [keys.index(lane) + 1 if lane in keys else 0 for lane in LANES]
        script = ("EVALSHA", FETCH_SHA) if self._is_fetch_known else ("EVAL", FETCH)
        connection = self.client.connection
        connection.send_command(
            *script,
            len(keys),
            *(self.global_keyprefix + key for key in keys),
            self.qos.free(),
            self._credit,
            round(self.historical_share * _WHOLE),
            *places,
        )
        self._asked_of = keys
        # kombu's loop and its check for half-open connections take these two as "a reply is to come".
        self._in_poll = connection
        self._brpop_sent_at = monotonic()

    def _brpop_read(self, **options: Any) -> bool:
        keys, self._asked_of = self._asked_of, None
        messages = self._read_wait(options) if keys is None else self._read_batch(keys, options)
        if messages or keys is not None:
            # A wait that ended empty may have begun before the queues changed, so it says nothing about them.
            self._must_wait = not messages
        if not messages:
            raise Empty
        self._hand_on(messages)
        return True

    def _read_wait(self, options: dict[str, Any]) -> list[tuple[str, bytes]]:
        reply = self._read_reply("BRPOP", options)
        return [(bytes_to_str(reply[0]), reply[1])] if reply else []

    def _read_batch(self, keys: Sequence[str], options: dict[str, Any]) -> list[tuple[str, bytes]]:
        try:
            self._credit, *taken = self._read_reply("EVAL", options)
        except NoScriptError:
            # The server was restarted or its scripts were flushed: the next round sends the text again.
            self._is_fetch_known = False
            raise Empty from None
        self._is_fetch_known = True
        return [(keys[place - 1], raw) for place, raw in zip(taken[::2], taken[1::2], strict=True)]

    def _read_reply(self, command: str, options: dict[str, Any]) -> Any:
        try:
            return self.client.parse_response(self.client.connection, command, **options)
        except self.connection_errors:
            # The next round of the event loop connects again.
            self.client.connection.disconnect()
            self._must_wait = False
            raise
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()

    def _hand_on(self, messages: Sequence[tuple[str, bytes]]) -> None:
        if self._closing:
            self.put_back(messages)
            return
        for position, (key, raw) in enumerate(messages, start=1):
            try:
                self._hand_on_one(key.rsplit(self.sep, 1)[0], raw)
            except BaseException:
                # Stopping, or the connection broke: what has not been handed on must not be lost with this one.
                with suppress(*self.connection_errors):
                    self.put_back(messages[position:])
                raise

    def _hand_on_one(self, queue: str, raw: bytes) -> None:
        self._queue_cycle.rotate(queue)
        if queue not in LANES:
            self.connection._deliver(loads(bytes_to_str(raw)), queue)
            return
        message = examine(raw)
        if isinstance(message, Malformed):
            self._set_aside(SetAside.of(queue, raw, message.reason))
            return
        message["properties"]["delivery_tag"] = self.qos.hold(queue, raw)
        self.connection._deliver(message, queue)

    def _set_aside(self, found: SetAside) -> None:
        logger.warning("A malformed message in lane %s was set aside: %s", found.lane, found.reason)
        with self.conn_or_acquire() as client, client.pipeline() as pipe:
            pipe.lpush(SET_ASIDE_KEY, found.to_json()).ltrim(SET_ASIDE_KEY, 0, CAPACITY - 1).execute()


class LaneTransport(kombu_redis.Transport):  # type: ignore[misc]  # kombu publishes no types
    """kombu's Redis transport with our channel."""

    Channel = LaneChannel


def install() -> None:
    """Make our transport the one behind redis and rediss URLs, sockets included. Doing it again changes nothing."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{LaneTransport.__module__}:{LaneTransport.__name__}"
        # kombu remembers the class behind a scheme after its first use.
        _transport_cache.pop(scheme, None)


def in_lane_order(queues: Sequence[str]) -> list[str]:
    """The queues in their given order, except that the lanes among them stand in the lanes' order."""
    lanes = iter([lane for lane in LANES if lane in queues])
    return [next(lanes) if queue in LANES else queue for queue in queues]
