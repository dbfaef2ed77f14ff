"""A Redis server of our own, for a machine that has none running.

It lives and dies with the process that starts it, keeps its data in the state folder, and listens on a Unix socket
there, so that no port and no password are needed. Where a socket's path would be too long it listens on a free port of
the loopback with a random password.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from stockjobs.daemon import children
from stockjobs.daemon.folder_lock import locked
from stockjobs.daemon.redis_program import find_program
from stockjobs.errors import Unreachable
from stockjobs.transport.inspector import Inspector
from stockjobs.transport.urls import BrokerUrl

_LONGEST_SOCKET_PATH = 103  # macOS allows 104 bytes with the closing NUL, Linux 108
_PAUSE = 0.02


class EmbeddedRedis:
    """A `redis-server` or `valkey-server` that runs as long as this object is started, once per state folder.

    The thread that calls `start` has to outlive the server: on Linux the server is told to stop when that thread ends,
    however it ends. Elsewhere a server whose parent was killed is left behind, and the next start names it.
    """

    def __init__(self, state_dir: Path, *, patience: float = 10.0) -> None:
        self._dir = state_dir.absolute()
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._place: BrokerUrl | None = None

    @property
    def url(self) -> str:
        """The URL for Celery. The same after every start of this object, so that clients find it again."""
        return self._where().for_celery

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start the server and wait until it answers; does nothing if it runs.

        Raises InvalidInput if there is no server program, Conflict if the state folder is in use, Unreachable if the
        server does not come up.
        """
        if self.pid is not None:
            return
        self.stop()
        program = find_program()
        self._dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = locked(self._dir / "redis.lock", self._patience)
        try:
            self._process = self._spawned(program)
            (self._dir / "redis.pid").write_text(f"{self._process.pid}\n")
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server, gently first; its data is written. Does nothing if it does not run."""
        process, self._process = self._process, None
        if process is not None:
            children.stop(process, self._patience)
            (self._dir / "redis.pid").unlink(missing_ok=True)
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _where(self) -> BrokerUrl:
        if self._place is None:
            path = self._dir / "redis.sock"
            fits = len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH
            self._place = (
                BrokerUrl(socket=str(path))
                if fits
                else BrokerUrl(port=_free_port(), password=secrets.token_urlsafe(24))
            )
        return self._place

    def _spawned(self, program: Path) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            # The configuration comes by standard input: no password on the command line, none in a file.
            [program, "-"],
            cwd=self._dir,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # The lock is the server's as well: the folder is in use until both are gone.
            pass_fds=() if self._lock is None else (self._lock,),
            preexec_fn=children.dies_with_parent(),  # noqa: PLW1509  # one system call, no lock is taken
            # Ctrl-C on a terminal reaches the parent alone, which stops its servers in the right order.
            start_new_session=True,
        )
        assert process.stdin is not None
        with process.stdin:
            process.stdin.write(_configuration(self._where(), self._dir).encode())
        return process

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self._patience
        inspector = Inspector(self._where().for_redis, timeout=1.0)
        try:
            while True:
                try:
                    inspector.check_server()
                    return
                except Unreachable:
                    if process.poll() is not None or time.monotonic() > deadline:
                        raise Unreachable(self._obituary(process)) from None
                time.sleep(_PAUSE)
        finally:
            inspector.close()

    def _obituary(self, process: subprocess.Popen[bytes]) -> str:
        ended = "did not answer in time" if process.poll() is None else f"ended with code {process.returncode}"
        log = self._dir / "redis.log"
        lines = log.read_text(errors="replace").splitlines()[-3:] if log.exists() else []
        return (
            f"the embedded Redis in {self._dir} {ended}: {' | '.join(lines) or 'it wrote no log'}. "
            "If its data cannot be read, remove that folder: the ledger sends again what still has to be done"
        )


def _configuration(place: BrokerUrl, folder: Path) -> str:
    listening = (
        f"port 0\nunixsocket {_quoted(place.socket)}\nunixsocketperm 700\n"
        if place.socket
        else f"bind 127.0.0.1\nport {place.port}\nrequirepass {place.password}\n"
    )
    return listening + (
        f"dir {_quoted(str(folder))}\n"
        f"logfile {_quoted(str(folder / 'redis.log'))}\n"
        "daemonize no\n"
        # At most the last second is lost, and the ledger sends that again.
        "appendonly yes\nappendfsync everysec\n"
        # The append-only file is all; snapshots would only write everything twice.
        'save ""\n'
        # Better refuse a message than throw away one that waits.
        "maxmemory-policy noeviction\n"
    )


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
