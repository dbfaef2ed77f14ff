"""The services of docker-compose.yml as processes: their own commands and environment, with only the places mapped.

A place is what a container has and a process has not: its host names and ports, `/run/secrets`, its `/tmp` and its volumes.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stockjobs.daemon.redis_program import find_program
from tests.fixtures.redis import eventually
from tests.integration.deploy import composefile
from tests.integration.deploy.composefile import ROOT, Service
from tests.integration.deploy.postgres import PostgresImage

_PORTS = ("5432", "6379", "5555", "8899")
_HOSTS = re.compile(r"\b(postgres|redis|simulator)(?=:\d)")
# What the Dockerfile sets; nothing of the test's own environment gets in.
_IMAGE = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


class Container:
    """A running service, with a `/tmp` of its own."""

    def __init__(self, stack: Stack, service: Service, name: str) -> None:
        self.service, self.name = service, name
        self._stack = stack
        self.tmp = stack.folder / "tmp" / name
        self.tmp.mkdir(parents=True)
        self.log = stack.folder / f"{name}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                stack.command(service),
                cwd=stack.app,
                env=stack.environment(service, self.tmp),
                user=stack.postgres.user if service.name == "postgres" else None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def check(self, *replaced: tuple[str, str]) -> subprocess.CompletedProcess[str]:
        """Run the health check of the service as it stands in the file, but for what is replaced."""
        command = [self._stack.mapped(part) for part in self.service.healthcheck or ()]
        for old, new in replaced:
            command = [new if part == old else part for part in command]
        environment = self._stack.environment(self.service, self.tmp)
        return subprocess.run(
            command, cwd=self._stack.app, env=environment, capture_output=True, text=True, timeout=30, check=False
        )

    def is_healthy(self) -> bool:
        """Whether the health check succeeds. Fails the test if the service has ended."""
        assert self.process.poll() is None, self.output()
        return self.check().returncode == 0

    def wait_until_healthy(self) -> None:
        """Wait as `depends_on` with `service_healthy` would."""
        eventually(self.is_healthy, within=60, tell=self.output)

    def stop(self) -> int:
        """Stop it as `docker compose stop` would: raises TimeoutExpired where Docker would kill it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.Signals[self.service.raw["stop_signal"]])
        return self.process.wait(self.service.grace)

    def kill(self) -> None:
        """End it and its children at once."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.process.wait()

    def output(self) -> str:
        """Everything that it printed."""
        return self.log.read_text(errors="replace")


class Stack:
    """The project that `docker compose up` makes of the file."""

    def __init__(self, folder: Path, postgres_folder: Path) -> None:
        self.folder = folder
        self.ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
        self.secrets = folder / "secrets"
        self.services = composefile.services(PROVIDER_URL="http://simulator:8899")
        self.postgres = PostgresImage(postgres_folder)
        self.containers: list[Container] = []
        self.app = _app_folder(folder)
        self.redis_data = folder / "redis" / "data"
        self._make_secrets()
        self._make_redis()
        self.postgres.set_up(self.services["postgres"], self.secret("postgres_password"))

    def start(self, name: str) -> Container:
        """Start one container of a service."""
        number = len(list(self.folder.glob(f"{name}-*.log"))) + 1
        container = Container(self, self.services[name], f"{name}-{number}")
        self.containers.append(container)
        return container

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`docker compose run --rm NAME ARGUMENTS…`: the arguments stand in the place of the service's command."""
        service = self.services[name]
        command = [*service.raw.get("entrypoint", ()), *(arguments or service.raw["command"])]
        with tempfile.TemporaryDirectory() as tmp:
            environment = self.environment(service, Path(tmp))
            return subprocess.run(
                command, cwd=self.app, env=environment, capture_output=True, text=True, timeout=90, check=False
            )

    def secret(self, name: str) -> str:
        """The value of a secret."""
        return (self.secrets / name).read_text().strip()

    def command(self, service: Service) -> list[str]:
        """The service's command with its places mapped."""
        if service.name == "postgres":
            return self.postgres.command(service, self.ports["5432"])
        command = [self.mapped(part) for part in service.command]
        return [str(find_program()), *command[1:]] if service.name == "redis" else command

    def environment(self, service: Service, tmp: Path) -> dict[str, str]:
        """The service's environment with its places mapped, on top of what the image sets."""
        programs = (
            ROOT / "deploy",
            Path(sys.executable).parent,
            self.postgres.programs,
            Path("/usr/bin"),
            Path("/bin"),
        )
        image = {**_IMAGE, "PATH": os.pathsep.join(map(str, programs)), "HOME": str(tmp)}
        given = {
            name: self.mapped(value).replace("/tmp/heartbeat", f"{tmp}/heartbeat")
            for name, value in service.environment.items()
        }
        return image | given

    def mapped(self, text: str) -> str:
        """Host names, ports and mounted files as they are here."""
        text = text.replace("/run/secrets", str(self.secrets)).replace("/etc/redis", str(self.folder / "redis"))
        text = _HOSTS.sub("127.0.0.1", text).replace("0.0.0.0", "127.0.0.1")
        return re.sub(rf"\b({'|'.join(_PORTS)})\b", lambda found: str(self.ports[found[1]]), text)

    def close(self) -> None:
        """End whatever still runs, the last started first."""
        for container in reversed(self.containers):
            container.kill()

    def _make_secrets(self) -> None:
        places = {"DATABASE_HOST": self.mapped("postgres:5432"), "REDIS_HOST": self.mapped("redis:6379")}
        subprocess.run(
            [ROOT / "deploy/make-secrets", self.secrets], env=os.environ | places, check=True, stdout=subprocess.DEVNULL
        )

    def _make_redis(self) -> None:
        """Redis' own configuration file, on our port and in our folder; tests listen on the loopback alone."""
        self.redis_data.mkdir(parents=True)
        told = self.mapped((ROOT / "deploy/redis.conf").read_text())
        told = told.replace("dir /data", f"dir {self.redis_data}").replace("bind * -::*", "bind 127.0.0.1")
        (self.folder / "redis" / "redis.conf").write_text(told)


@contextmanager
def running_stack() -> Iterator[Stack]:
    """Everything up in the order of `depends_on`, healthy, and ended at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="sj-deploy-") as folder,
        tempfile.TemporaryDirectory(prefix="sj-pg-") as postgres_folder,
    ):
        stack = Stack(Path(folder), Path(postgres_folder))
        try:
            _bring_up(stack)
            yield stack
        finally:
            stack.close()


def _bring_up(stack: Stack) -> None:
    servers = [stack.start(name) for name in ("postgres", "redis", "simulator")]
    for server in servers:
        server.wait_until_healthy()
    migrated = stack.run("migrate")
    assert migrated.returncode == 0, migrated.stderr
    for name in ("beat", "worker-realtime", "worker-historical", "flower"):
        for _ in range(stack.services[name].raw["deploy"].get("replicas", 1)):
            stack.start(name)
    for container in stack.containers:
        container.wait_until_healthy()


def _app_folder(folder: Path) -> Path:
    """The image's working folder: what the Dockerfile copies into it, and nothing else."""
    app = folder / "app"
    (app / "deploy").mkdir(parents=True)
    shutil.copy(ROOT / "deploy/flower.py", app / "deploy")
    shutil.copytree(ROOT / "examples", app / "examples")
    return app


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
