"""The Celery application: every option that matters, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from celery import Celery
from kombu import Exchange, Queue

from stockjobs.domain.work.lanes import Lane
from stockjobs.transport import urls
from stockjobs.transport.channel import LANES, install
from stockjobs.transport.slots import FreeSlots


@dataclass(frozen=True)
class TransportConfig:
    """What an installation may choose about Celery and Redis. Times are in seconds, memory in KiB; None is no limit.

    `hard_limit` kills a prefork child, `soft_limit` raises inside the task before; neither acts on threads.
    `soft_shutdown` is how long a second signal lets running tasks finish. `include` names the modules that register
    the tasks; they are imported by name, since the transport must not know them.
    """

    broker_url: str
    historical_share: float = 0.1
    socket_timeout: float = 5.0
    soft_limit: float | None = None
    hard_limit: float | None = None
    soft_shutdown: float = 10.0
    max_tasks_per_child: int | None = None
    max_memory_per_child: int | None = None
    has_remote_control: bool = True
    sends_task_events: bool = True
    include: tuple[str, ...] = ("workers.tasks",)
    beat_scheduler: str = "beat.scheduler:LedgerScheduler"


def make_app(config: TransportConfig) -> Celery:
    """A Celery application on our transport. It connects when it is first used. Raises InvalidInput for a bad URL."""
    install()
    app = Celery("stockjobs", set_as_current=False)
    app.config_from_object(options(config))
    app.steps["consumer"].add(FreeSlots)
    return app


def options(config: TransportConfig) -> dict[str, Any]:
    """Celery's options for an installation."""
    return {**_serving(config), **_broker(config), **_worker(config), **_beat(config)}


def _serving(config: TransportConfig) -> dict[str, Any]:
    return {
        # JSON only: whoever can write to Redis must not be able to run code by unpickling.
        "task_serializer": "json",
        "event_serializer": "json",
        "accept_content": ["json"],
        "task_protocol": 2,
        # Results live in the ledger; a backend would write each of them a second time.
        "result_backend": None,
        "task_ignore_result": True,
        # Acknowledged when a slot takes it: the ledger sends lost work again, late acknowledgement only doubles it.
        "task_acks_late": False,
        "task_reject_on_worker_lost": False,
        # No publishing through Celery waits long or twice: publishing again is the ledger's decision.
        "task_publish_retry": False,
        # Explicit exchange and routing key, or Celery gives each queue those of the default queue.
        "task_queues": tuple(Queue(lane, Exchange(lane), routing_key=lane) for lane in LANES),
        # Foreign tasks without a queue go where they disturb least.
        "task_default_queue": Lane.HISTORICAL.value,
        "task_default_exchange": Lane.HISTORICAL.value,
        "task_default_routing_key": Lane.HISTORICAL.value,
        # `-Q realtime,historical,other` may name queues that nobody declared.
        "task_create_missing_queues": True,
        # Flower tells running from waiting by this; it costs one buffered event.
        "task_track_started": True,
        # Our publisher sends none, and Flower needs only those of the workers.
        "task_send_sent_event": False,
        "task_soft_time_limit": config.soft_limit,
        "task_time_limit": config.hard_limit,
        "enable_utc": True,
        "timezone": "UTC",
        "include": config.include,
    }


def _broker(config: TransportConfig) -> dict[str, Any]:
    url = urls.parse(config.broker_url)
    return {
        "broker_url": url.for_celery,
        # Flower, too, finds the TLS options only here.
        "broker_use_ssl": url.celery_tls or False,
        # A worker outlives its broker's restarts, at start and later, however long they take.
        "broker_connection_retry": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_connection_timeout": config.socket_timeout,
        "broker_transport_options": {
            # Keeps the order of queues that is given, and the lanes' own among them.
            "queue_order_strategy": "priority",
            "historical_share": config.historical_share,
            # By default a half-open connection is never noticed; so it takes seconds.
            "socket_timeout": config.socket_timeout,
            "socket_connect_timeout": config.socket_timeout,
            "socket_keepalive": True,
            "health_check_interval": 5,
        },
    }


def _worker(config: TransportConfig) -> dict[str, Any]:
    return {
        # The only pool that enforces time limits and survives a crash of its task.
        "worker_pool": "prefork",
        # Nothing is held that no slot is free for, so that the next free slot takes the newest realtime message.
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        # Counts prefetch of late acknowledgement after a reconnect; here it would only leave slots empty.
        "worker_enable_prefetch_count_reduction": False,
        # A lost broker is no reason to stop a download: its result goes to the ledger.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # Between the first signal, which waits for running tasks, and the end.
        "worker_soft_shutdown_timeout": config.soft_shutdown,
        # Importing pandas and yfinance in all children of a loaded machine at once takes longer than the usual 4 s.
        "worker_proc_alive_timeout": 60.0,
        # Rates are budgets of the whole fleet and kept elsewhere; these would be one worker's own.
        "worker_disable_rate_limits": True,
        "worker_max_tasks_per_child": config.max_tasks_per_child,
        "worker_max_memory_per_child": config.max_memory_per_child,
        # Flower shows what workers tell; events of a loop's round are sent together.
        "worker_send_task_events": config.sends_task_events,
        "worker_enable_remote_control": config.has_remote_control,
        # Logging is set up by telemetry.
        "worker_hijack_root_logger": False,
        # What children print belongs on the same stream as the logs; redirecting it makes the logs swallow themselves.
        "worker_redirect_stdouts": False,
        # Only RabbitMQ has them; looking for them costs a question at each start.
        "worker_detect_quorum_queues": False,
    }


def _beat(config: TransportConfig) -> dict[str, Any]:
    return {
        # Schedules live in the ledger; any number of beats may run.
        "beat_scheduler": config.beat_scheduler,
        # A changed schedule and due work are noticed within a second.
        "beat_max_loop_interval": 1,
    }
