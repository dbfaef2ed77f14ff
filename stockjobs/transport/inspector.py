"""Looks into Redis: how deep the lanes are, what was set aside, and whether the server is fit for us."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast
from uuid import UUID

from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import InvalidInput, Unreachable
from stockjobs.transport import urls
from stockjobs.transport.client import connect, translated
from stockjobs.transport.setaside import SET_ASIDE_KEY, SetAside

OLDEST_REDIS = (6, 2)
# A pattern, not a JSON parser: a malformed message in the lane must not matter here.
_ID = re.compile(rb'"id": ?"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')


class Inspector:
    """Questions to a Redis server. Each raises Unreachable if it is away, InvalidInput if it refuses us."""

    def __init__(self, broker_url: str, *, timeout: float = 3.0) -> None:
        self._url = urls.parse(broker_url)
        self._client = connect(self._url, timeout)

    def ping(self) -> None:
        """Return if the server answers."""
        with translated(self._url):
            self._client.ping()

    def depths(self) -> dict[Lane, int]:
        """How many messages wait in each lane."""
        with translated(self._url), self._client.pipeline(transaction=False) as pipe:
            for lane in Lane:
                pipe.llen(lane.value)
            return dict(zip(Lane, pipe.execute(), strict=True))

    def attempt_ids(self, lane: Lane) -> set[UUID]:
        """The attempts whose messages wait in a lane; costs as much as its short window holds."""
        return {attempt for attempt, _ in self.messages(lane)}

    def messages(self, lane: Lane) -> list[tuple[UUID, bytes]]:
        """The messages that wait in a lane, as they stand there, each with its attempt; malformed ones are left out."""
        with translated(self._url):
            messages = cast("list[bytes]", self._client.lrange(lane.value, 0, -1))
        return [(UUID(found.decode()), message) for message in messages for found in _ID.findall(message)[:1]]

    def remove(self, lane: Lane, messages: Sequence[bytes]) -> int:
        """Take messages out of a lane, each once if it is still there. Returns how many were."""
        with translated(self._url), self._client.pipeline(transaction=False) as pipe:
            for message in messages:
                pipe.lrem(lane.value, 1, message)  # type: ignore[arg-type]  # bytes are taken as they are
            return sum(pipe.execute())

    def set_aside(self, limit: int = 100) -> list[SetAside]:
        """The malformed messages taken out of the lanes, newest first."""
        with translated(self._url):
            entries = cast("list[bytes]", self._client.lrange(SET_ASIDE_KEY, 0, limit - 1)) if limit > 0 else []
        return [SetAside.from_json(entry) for entry in entries]

    def check_server(self) -> None:
        """Raise InvalidInput, naming the cure, if this server is too old, a replica, or may throw messages away."""
        with translated(self._url):
            info = cast("dict[str, object]", self._client.info())
        if info.get("loading"):
            raise Unreachable(f"Redis at {self._url.shown} is still loading its data")
        version = str(info.get("redis_version", "0"))
        if _numbers(version) < OLDEST_REDIS:
            raise InvalidInput.because(self._url.shown, f"Redis {version} is too old", "6.2 or later is needed")
        if info.get("role") == "slave":
            raise InvalidInput.because(self._url.shown, "this Redis is a read-only replica", "name its primary")
        policy = info.get("maxmemory_policy", "noeviction")
        if policy != "noeviction":
            raise InvalidInput.because(
                self._url.shown,
                f"maxmemory-policy is {policy}: Redis would throw waiting messages away when its memory is full",
                "set it with `redis-cli config set maxmemory-policy noeviction` and in redis.conf",
            )

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
