"""A worker whose connections have silently gone dead."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from stockjobs.transport import urls
from stockjobs.transport.publisher import Publisher
from tests.fixtures.redis import done, eventually, redis_client, worker
from tests.integration.transport.knocks import realtime

pytestmark = pytest.mark.integration


class Gateway:
    """Forwards TCP connections to a Unix socket, until told to swallow what goes through those that are open."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._generation = 0
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self) -> None:
        """Leave all present connections open, but dead."""
        self._generation += 1

    def close(self) -> None:
        """End everything."""
        # A thread that waits in accept is only woken by a shutdown.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for opened in self._sockets:
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._target)
                self._sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink, self._generation), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, generation: int) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if generation == self._generation:
                    sink.sendall(data)
            if generation == self._generation:
                sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def gateway(redis_url: str) -> Iterator[Gateway]:
    """A gateway to the test's Redis."""
    made = Gateway(urls.parse(redis_url).socket)
    yield made
    made.close()


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_worker_on_dead_connections_connects_again_within_seconds(
    gateway: Gateway, redis_url: str, pool: str
) -> None:
    publisher = Publisher(redis_url)
    publisher.publish(realtime(1))
    with (
        redis_client(redis_url) as client,
        worker(f"redis://127.0.0.1:{gateway.port}/0", pool=pool, mingles=True) as process,
    ):
        eventually(lambda: done(client) == ["realtime 1"], tell=process.output)
        gateway.swallow()
        publisher.publish(realtime(2, 3))
        # Of the two, one may have been popped by the dead connection's last command.
        eventually(lambda: client.llen("realtime") == 0 and len(done(client)) >= 2, within=40, tell=process.output)
        publisher.publish(realtime(4))
        eventually(lambda: "realtime 4" in done(client), tell=process.output)
        assert process.process.poll() is None
