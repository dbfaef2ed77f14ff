"""The transport through TLS."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from stockjobs.errors import StockjobsError
from stockjobs.transport.inspector import Inspector
from stockjobs.transport.publisher import Publisher
from tests.fixtures.needs import lacking, needed
from tests.fixtures.redis import done, eventually, redis_client, worker
from tests.integration.transport.knocks import realtime

pytestmark = pytest.mark.integration


@pytest.fixture
def tls_url(tmp_path: Path) -> Iterator[str]:
    """A server that speaks TLS only; the URL names its authority."""
    program = shutil.which("valkey-server") or needed("redis-server", "redis-server")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"--port 0 --tls-port {port} --tls-cert-file cert.pem --tls-key-file key.pem --tls-ca-cert-file ca.pem"
    options += " --tls-auth-clients no --requirepass pass --save '' --bind 127.0.0.1"
    server = subprocess.Popen(
        [program, *options.replace("''", "").split(" ")], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    url = f"rediss://:pass@localhost:{port}/0?ssl_ca_certs={tmp_path / 'ca.pem'}"
    try:
        eventually(lambda: answers(url) or server.poll() is not None)
        if server.poll() is not None:
            lacking(f"{program} was built without TLS")
        yield url
    finally:
        server.terminate()
        server.communicate()


def answers(url: str) -> bool:
    """Whether a server answers at the URL."""
    try:
        Inspector(url).ping()
    except StockjobsError:
        return False
    return True


def test_a_worker_serves_a_lane_through_tls(tls_url: str) -> None:
    Publisher(tls_url).publish(realtime(1, 2))
    with redis_client(tls_url) as client, worker(tls_url) as process:
        eventually(lambda: done(client) == ["realtime 2", "realtime 1"], tell=process.output)


def test_a_certificate_of_an_unknown_authority_is_refused(tls_url: str) -> None:
    assert not answers(tls_url.split("?")[0])
    assert answers(tls_url.split("?")[0] + "?ssl_cert_reqs=none&ssl_check_hostname=false")
