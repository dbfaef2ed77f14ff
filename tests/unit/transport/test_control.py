"""Commands to worker nodes, where there is no Redis."""

from __future__ import annotations

import pytest

from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import BrokerAway
from stockjobs.transport.control import Answer, Control, answer_of

NOWHERE = "redis://:secret@127.0.0.1:1/0"


def test_a_broker_that_is_away_is_told_without_its_password() -> None:
    control = Control(NOWHERE, timeout=0.2)
    with pytest.raises(BrokerAway) as raised:
        control.add_lane(["w1@host"], Lane.REALTIME)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ({"ok": "pool will grow"}, Answer("w1", True, "pool will grow")),
        ({"error": "ValueError('one must be left')"}, Answer("w1", False, "one must be left")),
        ({"error": "no such command"}, Answer("w1", False, "no such command")),
        (None, Answer("w1", False, None)),
    ],
)
def test_what_a_node_says_is_read(reply: dict[str, str] | None, answer: Answer) -> None:
    assert answer_of("w1", reply) == answer
