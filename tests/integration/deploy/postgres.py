"""PostgreSQL as its image runs it: set up from the service's variables, then its own command, by TCP with a password."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.fixtures.database import pgserver
from tests.integration.deploy.composefile import Service

_ROOTS_USER = "pgserver"
"""PostgreSQL refuses to run as root."""


class PostgresImage:
    """The programs of the wheel in place of those of the image, and a folder for its data."""

    def __init__(self, folder: Path) -> None:
        utils = pgserver(folder).utils
        self.programs = Path(utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION])
        self.data = folder / "data"
        self.data.mkdir(mode=0o700)
        self.user: str | None = None
        if os.geteuid() == 0:
            self.user = _ROOTS_USER
            utils.ensure_user_exists(_ROOTS_USER)
            for path in (self.data, self.programs):
                utils.ensure_prefix_permissions(path)
            utils.ensure_folder_permissions(self.programs, 0o055)
            utils.ensure_folder_permissions(self.programs.parent / "lib", 0o044)
            self._give(self.data)

    def set_up(self, service: Service, password: str) -> None:
        """What the image does at its first start: make the cluster, its user with the password, and the database."""
        given = service.environment
        secret = self.data.with_name("password")
        secret.write_text(password)
        self._give(secret)
        options = ["-D", str(self.data), "-U", given["POSTGRES_USER"], "--pwfile", str(secret), "--auth-local=trust"]
        self._run("initdb", *options, *given["POSTGRES_INITDB_ARGS"].split())
        secret.unlink()
        statement = f"CREATE DATABASE {given['POSTGRES_DB']}\n"
        self._run("postgres", "--single", "-D", str(self.data), "postgres", stdin=statement)

    def command(self, service: Service, port: int) -> list[str]:
        """The service's command, in our folder and on our port."""
        program, *options = service.command
        where = ["-D", str(self.data), "-h", "127.0.0.1", "-p", str(port), "-k", str(self.data)]
        return [str(self.programs / program), *options, *where]

    def _give(self, path: Path) -> None:
        if self.user:
            found = pwd.getpwnam(self.user)
            os.chown(path, found.pw_uid, found.pw_gid)

    def _run(self, program: str, *arguments: str, stdin: str = "") -> None:
        command: Sequence[str] = [str(self.programs / program), *arguments]
        environment: Mapping[str, str] = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            command,
            user=self.user,
            env=environment,
            cwd=self.data,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
