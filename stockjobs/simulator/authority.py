"""A certificate authority of the server's own, kept in its state folder, so that clients trust it across restarts."""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path

import trustme

_CERTIFICATE = "ca.pem"
_KEY = "ca.key"


class Authority:
    """Issues a certificate for each host that a tunnel asks for. `certificate_path` is what clients must trust."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate_path = folder / _CERTIFICATE
        self._authority = _load(folder) or _create(folder)
        self.context_for = lru_cache(maxsize=256)(self._context_for)

    def _context_for(self, host: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(host).configure_cert(context)
        return context


def _load(folder: Path) -> trustme.CA | None:
    certificate, key = folder / _CERTIFICATE, folder / _KEY
    if not (certificate.is_file() and key.is_file()):
        return None
    return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())


def _create(folder: Path) -> trustme.CA:
    authority = trustme.CA(organization_name="stockjobs simulator")
    key = folder / _KEY
    key.touch(mode=0o600)
    key.write_bytes(authority.private_key_pem.bytes())
    (folder / _CERTIFICATE).write_bytes(authority.cert_pem.bytes())
    return authority
