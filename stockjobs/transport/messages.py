"""A knock as a Celery message of protocol 2, in the form in which kombu leaves it in a Redis list."""

from __future__ import annotations

from base64 import b64encode

import orjson

from stockjobs.domain.work.knocks import Knock

COLLECT_TASK = "stockjobs.collect"
"""The name under which workers register the task that answers a knock."""

_LONGEST_TEXT = 1_000
_NOTHING_EMBEDDED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
_SAME_FOR_ALL: dict[str, object] = {
    "lang": "py",
    "task": COLLECT_TASK,
    "eta": None,
    "expires": None,
    "group": None,
    "group_index": None,
    "retries": 0,
    "timelimit": (None, None),
    "parent_id": None,
    "ignore_result": True,
    "replaced_task_nesting": 0,
    "stamped_headers": None,
    "stamps": {},
}
"""Headers that the protocol wants and that say nothing of one knock: retries, times and groups are the ledger's affair."""


def encode(knock: Knock, origin: str) -> bytes:
    """The message of a knock. `origin` says who published it, as node@host.

    The task is called with the keywords `task` (the task's id), `attempt` (its number) and `lane`. Flower shows the
    shadow as its name and the subject as its arguments.
    """
    keywords = {"task": str(knock.task_id), "attempt": knock.number, "lane": knock.lane.value}
    body = orjson.dumps(((), keywords, _NOTHING_EMBEDDED))
    return orjson.dumps(
        {
            "headers": _headers(knock, origin),
            "properties": _properties(knock),
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "body": b64encode(body).decode(),
        }
    )


def _headers(knock: Knock, origin: str) -> dict[str, object]:
    attempt_id = str(knock.attempt_id)
    return {
        # First, so that the script that keeps the lane's order finds it at once.
        "rank": knock.rank,
        "id": attempt_id,
        "root_id": attempt_id,
        "shadow": f"collect {knock.job}",
        "argsrepr": knock.subject[:_LONGEST_TEXT],
        "kwargsrepr": f"{knock.lane.value}, attempt {knock.number} of task {knock.task_id}",
        "origin": origin,
        **_SAME_FOR_ALL,
    }


def _properties(knock: Knock) -> dict[str, object]:
    attempt_id, lane = str(knock.attempt_id), knock.lane.value
    return {
        "correlation_id": attempt_id,
        "reply_to": "",
        "delivery_mode": 2,
        "delivery_info": {"exchange": lane, "routing_key": lane},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": attempt_id,
    }
