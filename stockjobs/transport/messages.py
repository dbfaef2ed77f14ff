"""A knock as a Celery message of protocol 2, in the form in which kombu leaves it in a Redis list."""

from __future__ import annotations

from base64 import b64encode

import orjson

from stockjobs.domain.work.knocks import Knock

COLLECT_TASK = "stockjobs.collect"
"""The name under which workers register the task that answers a knock."""

_LONGEST_TEXT = 1_000
_NOTHING_EMBEDDED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def encode(knock: Knock, origin: str) -> bytes:
    """The message of a knock. `origin` says who published it, as node@host.

    The task is called with the keywords `task` (the task's id), `attempt` (its number) and `lane`. Flower shows the
    shadow as its name and the subject as its arguments.
    """
    attempt_id, task_id, lane = str(knock.attempt_id), str(knock.task_id), knock.lane.value
    keywords = {"task": task_id, "attempt": knock.number, "lane": lane}
    body = orjson.dumps(((), keywords, _NOTHING_EMBEDDED))
    return orjson.dumps(
        {
            "headers": {
                # First, so that the script that keeps the lane's order finds it at once.
                "rank": knock.rank,
                "lang": "py",
                "task": COLLECT_TASK,
                "id": attempt_id,
                "shadow": f"collect {knock.job}",
                "eta": None,
                "expires": None,
                "group": None,
                "group_index": None,
                "retries": 0,
                "timelimit": (None, None),
                "root_id": attempt_id,
                "parent_id": None,
                "argsrepr": knock.subject[:_LONGEST_TEXT],
                "kwargsrepr": f"{lane}, attempt {knock.number} of task {task_id}",
                "origin": origin,
                "ignore_result": True,
                "replaced_task_nesting": 0,
                "stamped_headers": None,
                "stamps": {},
            },
            "properties": {
                "correlation_id": attempt_id,
                "reply_to": "",
                "delivery_mode": 2,
                "delivery_info": {"exchange": lane, "routing_key": lane},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": attempt_id,
            },
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "body": b64encode(body).decode(),
        }
    )
