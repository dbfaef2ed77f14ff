"""Puts knocks into the lanes."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

from stockjobs.domain.work.knocks import Knock
from stockjobs.domain.work.lanes import Lane
from stockjobs.transport import urls
from stockjobs.transport.client import connect, translated
from stockjobs.transport.messages import encode
from stockjobs.transport.scripts import INSERT, insert_arguments

_BATCH = 1_000


class Publisher:
    """Sends knocks to Redis; connects when first used, may be shared by threads and used after a fork."""

    def __init__(self, broker_url: str, *, timeout: float = 3.0) -> None:
        self._url = urls.parse(broker_url)
        self._client = connect(self._url, timeout)
        self._insert = self._client.register_script(INSERT)

    def publish(self, knocks: Sequence[Knock]) -> None:
        """Put each knock at its place in its lane; one script call for each thousand.

        Raises Unreachable within a few times the timeout if Redis is away; some of the knocks may then have been sent.
        Sending a knock twice is harmless: the second finds nothing to claim.
        """
        origin = f"stockjobs-{os.getpid()}@{socket.gethostname()}"
        with translated(self._url):
            for lane in Lane:
                for batch in _batches([knock for knock in knocks if knock.lane is lane], lane):
                    messages = [(knock.rank, encode(knock, origin)) for knock in batch]
                    self._insert(keys=[lane.value], args=insert_arguments(messages))

    def close(self) -> None:
        """Give the connections back; publishing again opens new ones."""
        self._client.close()


def _batches(knocks: list[Knock], lane: Lane) -> list[list[Knock]]:
    """The knocks of a lane by rank, in the order in which their places are at an end of the list, where it costs nothing.

    New work of the realtime lane is mostly better than what waits, that of the historical lane worse.
    """
    ranked = sorted(knocks, key=lambda knock: knock.rank, reverse=True)
    batches = [ranked[start : start + _BATCH] for start in range(0, len(ranked), _BATCH)]
    return batches[::-1] if lane is Lane.REALTIME else batches
